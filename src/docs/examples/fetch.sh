#!/usr/bin/env bash
# fetch.sh FILE [URL]: has the service fetch every URL that stands in FILE, one a line, and prints status, bytes and URL in the order
# of the file. The number of the line travels as custom_id and joins result and URL.
set -euo pipefail
file=$1 url=${2:-${CONVEYOR_URL:-http://localhost:8080}}

jq -Rn '[inputs | {kind: "http", custom_id: "\(input_line_number)", input: {url: .}, timeout_ms: 10000}]' "$file" |
  curl -sS --fail-with-body --json @- -H 'Prefer: wait=60' "$url/v1/batches" |
  jq -r --rawfile urls "$file" '
    if .state != "ended" then error("not done in 60 seconds; go on with \(.links.self)?wait=60") else .results[] end
    | ($urls | split("\n"))[(.custom_id | tonumber) - 1] as $url
    | [.output.status // .error.title, (.output.body // "" | utf8bytelength), $url] | @tsv'
