# Makes of an .http file one that httpyac checks: at the end of each request comes a response handler that tests its
# "# expect: EXPRESSION" lines and keeps the values of its "# keep: NAME = EXPRESSION" lines for the requests below.
# An expression is JavaScript over status, contentType, header(name), text, body (parsed JSON), lines (parsed NDJSON) and
# problem(slug). A request that expects nothing is an error: it could not fail.

function finish(    i) {
  if (request != "") {
    if (tests == 0) {
      printf "%s expects nothing\n", request > "/dev/stderr"
      failed = 1
    }
    print "\n> {%"
    print "const status = response.status, body = response.body;"
    print "const contentType = response.contentType && response.contentType.mimeType;"
    print "const header = name => response.headers.valueOf(name) || undefined;"
    print "const text = /json$/.test(contentType) && typeof body !== 'string' ? JSON.stringify(body) : String(body);"
    print "const lines = contentType === 'application/x-ndjson' ? text.split('\\n').filter(l => l).map(l => JSON.parse(l)) : [];"
    print "const problem = slug => contentType === 'application/problem+json' && body.status === status && body.type.endsWith('/problems/' + slug);"
    for (i = 1; i <= tests; i++) {
      printf "client.test(String.raw`%s`, () => client.assert(%s, `the status is ${status}`));\n", test[i], test[i]
    }
    for (i = 1; i <= keeps; i++) {
      split(keep[i], part, / *= */)
      printf "client.global.set('%s', %s);\n", part[1], substr(keep[i], index(keep[i], "=") + 1)
    }
    print "%}\n"
  }
  request = ""
  tests = keeps = 0
}

/^###/ { finish() }
/^# expect: / { test[++tests] = substr($0, 11); next }
/^# keep: / { kept[$3] = 1; keep[++keeps] = substr($0, 9); next }
/^@host *=/ { print "@host = " host; next }
/^@/ && (substr($1, 2) in kept) { next }
/^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) / && request == "" { request = FILENAME ": " $0 }
{ print }
END {
  finish()
  exit failed
}
