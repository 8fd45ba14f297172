package io.conveyor.handler.http;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.RawJson;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;

/**
 * What a client writes as the input of an {@code http} job.
 *
 * @param method GET unless said otherwise
 * @param url absolute, http or https
 * @param headers one value each
 * @param body a string is sent as its text, any other JSON value as that JSON
 * @param followRedirects no unless said otherwise
 * @param batch in a job that follows a batch, what came of that: the body if there is no other, of a method that has one
 */
record HttpInput(
        @Nullable String method,
        String url,
        @Nullable Map<String, String> headers,
        @Nullable RawJson body,
        @JsonProperty("follow_redirects") @Nullable Boolean followRedirects,
        @Nullable RawJson batch) {

    static final String SCHEMA = """
            {"type": "object", "required": ["url"], "additionalProperties": false, "properties": {
              "method": {"enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], "default": "GET"},
              "url": {"type": "string", "format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://",
                "description": "Absolute, without user and password. The address that the host resolves to must be \
            public, unless the operator allows it (conveyor.http.allow)."},
              "headers": {"type": "object", "additionalProperties": {"type": "string"},
                "description": "Not Host, Content-Length, or what concerns one connection only (Connection, \
            Transfer-Encoding, TE, Trailer, Upgrade, Expect, Keep-Alive, Proxy-*)."},
              "body": {"description": "A string is sent as its text (text/plain unless Content-Type says otherwise), \
            any other JSON value as that JSON (application/json). To send a JSON string, write it as text."},
              "follow_redirects": {"type": "boolean", "default": false,
                "description": "Follow at most 5; each one is held against the same rules. Headers other than Accept, \
            Accept-Language, Content-Type and User-Agent are not sent on to another host."},
              "batch": {"description": "What a job in `then` gets; the body of a POST, PUT or PATCH without another."}},
             "description": "Output: {status, headers, body}. Names of headers are lower case, Set-Cookie is left out. \
            body is a JSON value where the answer is JSON, else text; what is not text comes as body_base64; an empty \
            body is left out. An answer succeeds whatever its status, except 429 and 503: these fail the job, can be \
            retried, and bring status and retry_after_seconds; so do connections that fail."}""";

    private static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");

    private static final Set<String> WITH_BODY = Set.of("POST", "PUT", "PATCH");

    /** Set by the client library, or of one connection only (RFC 9110, section 7.6.1). */
    private static final Set<String> NOT_THEIRS = Set.of(
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "te",
            "trailer",
            "upgrade",
            "expect",
            "http2-settings");

    /** A token as in RFC 9110, section 5.6.2. */
    private static final Pattern TOKEN = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");

    /** The call that this asks for. */
    HttpCall toCall() throws JobFailure {
        String verb = method == null ? "GET" : method;
        if (!METHODS.contains(verb)) {
            throw JobFailure.invalid(
                    "/input/method", "Give GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, in capitals.");
        }
        HttpHeaders checked = checkedHeaders();
        RawJson content = body == null && WITH_BODY.contains(verb) ? batch : body;
        if (content != null && checked.getFirst(HttpHeaders.CONTENT_TYPE) == null) {
            checked.set(
                    HttpHeaders.CONTENT_TYPE,
                    content.asString() == null ? "application/json" : "text/plain;charset=UTF-8");
        }
        return new HttpCall(
                HttpMethod.valueOf(verb), HttpUrl.parse(url), checked, content == null ? null : content.payload());
    }

    boolean follows() {
        return Boolean.TRUE.equals(followRedirects);
    }

    private HttpHeaders checkedHeaders() throws JobFailure {
        HttpHeaders checked = new HttpHeaders();
        if (headers == null) {
            return checked;
        }
        for (Map.Entry<String, String> header : headers.entrySet()) {
            String name = header.getKey();
            String value = header.getValue();
            String pointer = "/input/headers/" + name.replace("~", "~0").replace("/", "~1");
            checkHeader(pointer, name, value);
            if (checked.getFirst(name) != null) {
                throw JobFailure.invalid(pointer, "This header stands here twice, in another case. Give it once.");
            }
            checked.set(name, value);
        }
        return checked;
    }

    private static void checkHeader(String pointer, String name, @Nullable String value) throws JobFailure {
        String lower = name.toLowerCase(Locale.ROOT);
        if (!TOKEN.matcher(name).matches()) {
            throw JobFailure.invalid(pointer, "This cannot be the name of a header: letters, digits and '-', please.");
        }
        if (NOT_THEIRS.contains(lower) || lower.startsWith("proxy-")) {
            throw JobFailure.invalid(pointer, "This header is set by the service itself. Leave it out.");
        }
        if (value == null || !value.chars().allMatch(c -> c == '\t' || (c >= ' ' && c < 127))) {
            throw JobFailure.invalid(
                    pointer, "The value of a header is a string of printable ASCII characters, without line breaks.");
        }
        if (lower.equals("content-type")) {
            try {
                MediaType.parseMediaType(value);
            } catch (InvalidMediaTypeException e) {
                throw JobFailure.invalid(pointer, "This is not a media type; write it like application/json.");
            }
        }
    }
}
