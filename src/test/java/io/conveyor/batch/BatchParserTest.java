package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.conveyor.job.BatchRules;
import io.conveyor.job.Job;
import io.conveyor.job.OnError;
import io.conveyor.web.ApiException;
import io.conveyor.web.Problem;
import io.conveyor.web.Violation;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BatchParserTest {

    private static final int MAX_JOB = 1024;
    private static final int MAX_JOBS = 300;

    private final List<Job> jobs = new ArrayList<>();
    private final BatchParser parser = new BatchParser(
            new LinkedHashSet<>(List.of("echo", "hash", "sleep")),
            MAX_JOBS,
            MAX_JOB,
            new FollowerReader(Set.of("echo"), MAX_JOB, (url, secret) -> Optional.empty()));

    private ParsedBatch parse(String body) throws IOException {
        return parse(new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)));
    }

    private ParsedBatch parse(InputStream body) throws IOException {
        jobs.clear();
        return parser.parse(body, jobs::add);
    }

    private ApiException refused(String body) {
        return Objects.requireNonNull(catchThrowableOfType(ApiException.class, () -> parse(body)));
    }

    @SuppressWarnings("unchecked")
    private static List<Violation> errors(ApiException refused) {
        assertThat(refused.problem()).isEqualTo(Problem.VALIDATION_FAILED);
        return (List<Violation>) Objects.requireNonNull(refused.extensions().get("errors"));
    }

    private static String text(byte @org.jspecify.annotations.Nullable [] bytes) {
        return new String(Objects.requireNonNull(bytes), StandardCharsets.UTF_8);
    }

    @Test
    void readsAnArrayOfJobs() throws IOException {
        ParsedBatch batch = parse(" [ {\"kind\":\"echo\"} , {\"input\":[1.10],\"kind\":\"hash\",\"custom_id\":\"ä-1\","
                + "\"timeout_ms\":86400000,\"metadata\":{\"a\":null}} ]\n\n");

        assertThat(batch.total()).isEqualTo(2);
        assertThat(batch.envelope().name()).isNull();
        assertThat(batch.envelope().rules().timeoutMillis()).isZero();
        assertThat(jobs).hasSize(2);
        assertThat(jobs.get(0).input()).isNull();
        assertThat(jobs.get(0).index()).isZero();
        Job second = jobs.get(1);
        assertThat(second.index()).isEqualTo(1);
        assertThat(second.kind()).isEqualTo("hash");
        assertThat(second.customId()).isEqualTo("ä-1");
        assertThat(second.timeoutMillis()).isEqualTo(86_400_000);
        assertThat(text(second.metadata())).isEqualTo("{\"a\":null}");
        assertThat(text(second.input())).isEqualTo("[1.10]");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"jobs\":[{\"kind\":\"echo\"}],\"name\":\"n\",\"metadata\":{\"x\": 1.0},\"timeout_ms\":5}",
                "{\"timeout_ms\":5,\"metadata\":{\"x\": 1.0},\"name\":\"n\",\"jobs\":[{\"kind\":\"echo\"}]}",
                "\uFEFF{\"name\":\"\\u006e\",\"jobs\":[{\"kind\":\"echo\"}],\"metadata\":{\"x\": 1.0},\"timeout_ms\":5}"
            })
    void readsAnEnvelopeInAnyOrder(String body) throws IOException {
        ParsedBatch batch = parse(body);

        assertThat(batch.total()).isEqualTo(1);
        assertThat(batch.envelope().name()).isEqualTo("n");
        assertThat(text(batch.envelope().metadata())).isEqualTo("{\"x\": 1.0}");
        assertThat(batch.envelope().rules().timeoutMillis()).isEqualTo(5);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    "continue"               | continue
                    "cancel_rest"            | cancel_rest
                    {"tolerate":0}           | tolerate:0
                    { "tolerate" : 10 }      | tolerate:10
                    {"tolerate_percent":100} | tolerate_percent:100
                    """)
    void readsRules(String onError, String text) throws IOException {
        ParsedBatch batch = parse("{\"on_error\":" + onError + ",\"max_attempts\":3,\"max_concurrency\":1000000,"
                + "\"jobs\":[{\"kind\":\"echo\",\"max_attempts\":100}],\"deadline_ms\":31536000000}");

        assertThat(batch.envelope().rules())
                .isEqualTo(new BatchRules(0, 3, 1_000_000, 31_536_000_000L, OnError.ofText(text)));
        assertThat(jobs.get(0).maxAttempts()).isEqualTo(100);
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", "{\"jobs\":[]}"})
    void acceptsABatchWithoutJobs(String body) throws IOException {
        assertThat(parse(body).total()).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.10",
                "-0",
                "1e400",
                "123456789012345678901234567890.00",
                "null",
                "true",
                "\"\"",
                "\"\\u00e9\\ud83d\\ude00 é😀 \\/ \\ud800\"",
                "{}",
                "[]",
                "{ \"a\" :  [ 1 ,2],\"a\":3 }",
                "[[[[{\"kind\":\"nothing\"}]]]]"
            })
    void keepsInputsByteForByte(String input) throws IOException {
        parse("[{\"kind\":\"echo\",\"input\": " + input + " ,\"metadata\":" + input + "}]");

        assertThat(text(jobs.get(0).input())).isEqualTo(input);
        assertThat(text(jobs.get(0).metadata())).isEqualTo(input);
    }

    @Test
    void makesSpacesOfLineBreaksBetweenTokensOnly() throws IOException {
        parse("[{\"kind\":\"echo\",\"input\":{\r\n\t\"a\":\n\"\\n\\r\"}}]");

        assertThat(text(jobs.get(0).input())).isEqualTo("{  \t\"a\": \"\\n\\r\"}");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    [{"kind":"hsah"}]                              | /0/kind          | unknown-kind    | Did you mean 'hash'?
                    [{"kind":"frobnicate"}]                        | /0/kind          | unknown-kind    | There are echo, hash, sleep.
                    [{"kind":"echo"},{"kind":"echo","inptu":1}]    | /1/inptu         | unknown-field   | Did you mean 'input'?
                    [{"kind":"echo","max_atempts":1}]              | /0/max_atempts   | unknown-field   | Did you mean 'max_attempts'?
                    [{"kind":"echo","colour":1}]                   | /0/colour        | unknown-field   | kind, input, custom_id
                    [{"kind":"echo","max_attempts":0}]             | /0/max_attempts  | out-of-range    | from 1 to 100
                    [{"kind":"echo","max_attempts":101}]           | /0/max_attempts  | out-of-range    | from 1 to 100
                    [{"kind":"echo","max_attempts":"1"}]           | /0/max_attempts  | wrong-type      | a string
                    [{"kind":"echo","a/b~c":1}]                    | /0/a~1b~0c       | unknown-field   | 'a/b~c'
                    [{"input":1}]                                  | /0/kind          | missing-field   | needs a kind
                    [{"kind":"echo","kind":"echo"}]                | /0/kind          | duplicate-field | twice
                    [{"kind":"echo","input":1,"input":1}]          | /0/input         | duplicate-field | twice
                    [{"kind":1}]                                   | /0/kind          | wrong-type      | an integer; it must be a string
                    [{"kind":null}]                                | /0/kind          | wrong-type      | null
                    [{"kind":"echo","custom_id":""}]               | /0/custom_id     | invalid-length  | 1 to 64
                    [{"kind":"echo","custom_id":null}]             | /0/custom_id     | wrong-type      | null
                    [{"kind":"echo","custom_id":{"a":[1]}}]        | /0/custom_id     | wrong-type      | an object
                    [{"kind":"echo","custom_id":"\\ud800"}]        | /0/custom_id     | invalid-value   | surrogate
                    [{"kind":"echo","timeout_ms":0}]               | /0/timeout_ms    | out-of-range    | from 1 to 86400000
                    [{"kind":"echo","timeout_ms":86400001}]        | /0/timeout_ms    | out-of-range    | from 1 to 86400000
                    [{"kind":"echo","timeout_ms":-1}]              | /0/timeout_ms    | out-of-range    | from 1 to 86400000
                    [{"kind":"echo","timeout_ms":99999999999999999999}] | /0/timeout_ms | out-of-range  | from 1 to 86400000
                    [{"kind":"echo","timeout_ms":9999999999999999999}]  | /0/timeout_ms | out-of-range  | from 1 to 86400000
                    [{"kind":"echo","timeout_ms":5.0}]             | /0/timeout_ms    | wrong-type      | fraction
                    [{"kind":"echo","timeout_ms":1e3}]             | /0/timeout_ms    | wrong-type      | exponent
                    [{"kind":"echo","timeout_ms":"5"}]             | /0/timeout_ms    | wrong-type      | a string
                    [{"kind":"echo","timeout_ms":true}]            | /0/timeout_ms    | wrong-type      | true or false
                    [1]                                            | /0               | wrong-type      | a job
                    [[{"kind":"echo"}]]                            | /0               | wrong-type      | an array
                    [null]                                         | /0               | wrong-type      | null
                    {"jobs":[{"kind":"echo"},{"kind":"hsah"}]}     | /jobs/1/kind     | unknown-kind    | hash
                    {"jobs":{"kind":"echo"}}                       | /jobs            | wrong-type      | an array of jobs
                    {"jobs":null}                                  | /jobs            | wrong-type      | null
                    {"jobs":[],"jobs":[]}                          | /jobs            | duplicate-field | twice
                    {"name":"x"}                                   | /jobs            | missing-field   | needs jobs
                    {"jobs":[],"name":""}                          | /name            | invalid-length  | 1 to 200
                    {"jobs":[],"name":7}                           | /name            | wrong-type      | an integer
                    {"jobs":[],"timeout_ms":0}                     | /timeout_ms      | out-of-range    | from 1 to 86400000
                    {"jobs":[],"max_attempts":101}                 | /max_attempts    | out-of-range    | from 1 to 100
                    {"jobs":[],"max_concurrency":0}                | /max_concurrency | out-of-range    | from 1 to 1000000
                    {"jobs":[],"max_concurrency":1000001}          | /max_concurrency | out-of-range    | from 1 to 1000000
                    {"jobs":[],"max_concurrency":null}             | /max_concurrency | wrong-type      | null
                    {"jobs":[],"deadline_ms":0}                    | /deadline_ms     | out-of-range    | from 1 to 31536000000
                    {"jobs":[],"deadline_ms":31536000001}          | /deadline_ms     | out-of-range    | from 1 to 31536000000
                    {"jobs":[],"deadline_ms":1.5}                  | /deadline_ms     | wrong-type      | fraction
                    {"jobs":[],"deadline_ms":1,"deadline_ms":1}    | /deadline_ms     | duplicate-field | twice
                    {"jobs":[],"on_error":"stop"}                  | /on_error        | invalid-value   | it may be "continue", "cancel_rest", {"tolerate": 10}
                    {"jobs":[],"on_error":"cancel_rset"}           | /on_error        | invalid-value   | Did you mean 'cancel_rest'?
                    {"jobs":[],"on_error":"tolerate:1"}            | /on_error        | invalid-value   | {"tolerate": 10}
                    {"jobs":[],"on_error":null}                    | /on_error        | wrong-type      | null; it must be "continue"
                    {"jobs":[],"on_error":5}                       | /on_error        | wrong-type      | {"tolerate_percent": 5}
                    {"jobs":[],"on_error":{}}                      | /on_error        | invalid-value   | one of tolerate and tolerate_percent
                    {"jobs":[],"on_error":{"tolerate":1,"tolerate_percent":1}} | /on_error | invalid-value | has 2 fields
                    {"jobs":[],"on_error":{"tolerate":1,"tolerate":1}} | /on_error    | invalid-value   | has 2 fields
                    {"jobs":[],"on_error":{"tolerat":1}}           | /on_error/tolerat | unknown-field  | Did you mean 'tolerate'?
                    {"jobs":[],"on_error":{"tolerate":-1}}         | /on_error/tolerate | out-of-range  | from 0 to 1000000000
                    {"jobs":[],"on_error":{"tolerate":1000000001}} | /on_error/tolerate | out-of-range  | from 0 to 1000000000
                    {"jobs":[],"on_error":{"tolerate":"1"}}        | /on_error/tolerate | wrong-type    | a string
                    {"jobs":[],"on_error":{"tolerate_percent":101}} | /on_error/tolerate_percent | out-of-range | from 0 to 100
                    {"jobs":[],"on_error":{"tolerate_percent":0.5}} | /on_error/tolerate_percent | wrong-type | fraction
                    {"jobs":[],"colour":1}                         | /colour          | unknown-field   | jobs, name, metadata, timeout_ms
                    {"jobs":[],"nmae":"x"}                         | /nmae            | unknown-field   | Did you mean 'name'?
                    "hello"                                        | ``               | wrong-type      | a string
                    17                                             | ``               | wrong-type      | an array of jobs
                    null                                           | ``               | wrong-type      | null
                    """)
    void refusesWhatCannotBeUsedWithAPointer(String body, String pointer, String code, String detail) {
        List<Violation> errors = errors(refused(body));

        assertThat(errors).hasSize(1);
        assertThat(errors.get(0).pointer()).isEqualTo(pointer);
        assertThat(errors.get(0).code()).isEqualTo(code);
        assertThat(errors.get(0).detail()).contains(detail);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    [{"kind":"echo",}]           | 1 | 17
                    [{"kind":"echo"},]           | 1 | 18
                    [{"kind":"echo"}             | 1 | 17
                    [{"kind":"ec                 | 1 | 13
                    [¶{"kind":"echo"},¶ x]       | 3 | 2
                    [{"kind":"é","input":tru}]   | 1 | 22
                    [{"kind":"😀😀"} {}]         | 1 | 16
                    [{"kind":"echo"}] x          | 1 | 19
                    [{"kind":"echo"}]¶ []        | 2 | 2
                    {"jobs":[]}¶{"jobs":[]}      | 2 | 1
                    [{"kind":'echo'}]            | 1 | 10
                    [{"kind":"echo","input":01}] | 1 | 26
                    [{"kind":"echo"]             | 1 | 16
                    [{"input":"\\q"}]            | 1 | 13
                    ``                           | 1 | 1
                    ¶                            | 1 | 1
                    """)
    void saysWhereTheTextIsNoJson(String body, long line, long column) {
        ApiException refused = refused(body.replace('¶', '\n'));

        assertThat(refused.problem()).isEqualTo(Problem.MALFORMED_JSON);
        assertThat(refused.extensions()).containsEntry("line", line).containsEntry("column", column);
        assertThat(refused.detail()).doesNotContain("Source").doesNotContain("Feature");
    }

    @Test
    void findsTheColumnInALongLineBehindManyJobs() {
        String job = "{\"kind\":\"echo\",\"input\":\"é\"},";
        String body = "[" + job.repeat(200) + "\n" + job.repeat(99) + "}";

        ApiException refused = refused(body);

        assertThat(refused.extensions())
                .containsEntry("line", 2L)
                .containsEntry("column", job.codePointCount(0, job.length()) * 99L + 1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"C3 28", "C0 80", "ED A0 80", "F5 80 80 80", "F4 90 80 80", "80", "FF", "E0 80 80", "F0 82 82 AC"
            })
    void refusesTextThatIsNotUtf8(String bytes) throws IOException {
        java.io.ByteArrayOutputStream body = new java.io.ByteArrayOutputStream();
        body.writeBytes("[{\"kind\":\"echo\",\n\"input\":\"é".getBytes(StandardCharsets.UTF_8));
        for (String b : bytes.split(" ", -1)) {
            body.write(Integer.parseInt(b, 16));
        }
        body.writeBytes("\"}]".getBytes(StandardCharsets.UTF_8));

        assertThatThrownBy(() -> parse(new ByteArrayInputStream(body.toByteArray())))
                .isInstanceOfSatisfying(ApiException.class, refused -> {
                    assertThat(refused.problem()).isEqualTo(Problem.MALFORMED_JSON);
                    assertThat(refused.detail()).contains("UTF-8");
                    assertThat(refused.extensions()).containsEntry("line", 2L);
                });
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-16", "UTF-16LE", "UTF-32"})
    void refusesOtherEncodings(String charset) {
        byte[] body = "[{\"kind\":\"echo\"}]".getBytes(java.nio.charset.Charset.forName(charset));

        assertThatThrownBy(() -> parse(new ByteArrayInputStream(body)))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.problem()).isEqualTo(Problem.MALFORMED_JSON));
    }

    @Test
    void collectsErrorsAndHandsOutNoJobAfterTheFirst() {
        ApiException refused =
                refused("{\"jobs\":[{\"kind\":\"echo\"},{\"kind\":\"x\"},{\"kind\":\"echo\"},{}],\"x\":1}");

        assertThat(errors(refused))
                .extracting(Violation::pointer)
                .containsExactly("/jobs/1/kind", "/jobs/3/kind", "/x");
        assertThat(jobs).hasSize(1);
    }

    @Test
    void showsAHundredErrorsAndSaysThatThereAreMore() {
        ApiException refused = refused("[" + "1,".repeat(150) + "1]");

        assertThat(errors(refused)).hasSize(100);
        assertThat(refused.extensions()).containsEntry("errors_truncated", true);
    }

    @Test
    void brokenJsonWeighsMoreThanWrongValues() {
        assertThat(refused("[{\"kind\":\"nope\"},").problem()).isEqualTo(Problem.MALFORMED_JSON);
    }

    @Test
    void refusesTooManyJobs() throws IOException {
        String job = "{\"kind\":\"echo\"},";
        String most = "[" + job.repeat(MAX_JOBS - 1) + "{\"kind\":\"echo\"}";

        assertThat(parse(most + "]").total()).isEqualTo(MAX_JOBS);
        ApiException refused = refused(most + ",{\"kind\":\"echo\"}]");
        assertThat(refused.problem()).isEqualTo(Problem.TOO_MANY_JOBS);
        assertThat(refused.extensions()).containsEntry("limit", (long) MAX_JOBS);
    }

    @Test
    void takesAJobOfExactlyTheLargestSizeWhereverItStands() throws IOException {
        String head = "{\"kind\":\"echo\",\"input\":\"";
        String largest = head + "x".repeat(MAX_JOB - head.length() - 2) + "\"}";
        for (int before = 0; before < 40; before++) {
            parse("[" + "{\"kind\":\"echo\"},".repeat(7) + " ".repeat(14_800 + before * 37) + largest + " ".repeat(9000)
                    + "]");
            assertThat(jobs).hasSize(8);
            assertThat(jobs.get(7).input()).hasSize(MAX_JOB - head.length());
        }
        assertThat(errors(refused("[" + largest.replace("xx", "xxx") + "]").with("x", 1)))
                .extracting(Violation::pointer, Violation::code)
                .containsExactly(org.assertj.core.api.Assertions.tuple("/0", "job-too-large"));
    }

    @Test
    void readsOnBehindAJobThatIsFarTooLarge() {
        String huge = "{\"kind\":\"echo\",\"input\":[" + "1234567890,".repeat(100_000) + "1]}";

        List<Violation> errors = errors(refused("[" + huge + ",{\"kind\":\"nope\"}]"));

        assertThat(errors).extracting(Violation::code).containsExactly("job-too-large", "unknown-kind");
        assertThat(errors.get(0).extensions()).isEqualTo(Map.of("limit", MAX_JOB));
    }

    @Test
    void refusesMetadataThatIsTooLarge() {
        List<Violation> errors = errors(refused("{\"metadata\":\"" + "x".repeat(MAX_JOB) + "\",\"jobs\":[]}"));

        assertThat(errors).extracting(Violation::pointer).containsExactly("/metadata");
    }

    @Test
    void refusesWhatIsNestedTooDeeply() throws IOException {
        String deepest = "[".repeat(62) + "]".repeat(62);

        assertThat(parse("[{\"kind\":\"echo\",\"input\":" + deepest + "}]").total())
                .isEqualTo(1);
        List<Violation> errors =
                errors(refused("[{\"kind\":\"echo\"},{\"kind\":\"echo\",\"input\":[" + deepest + "]}]"));
        assertThat(errors).extracting(Violation::pointer).containsExactly("/1");
        assertThat(errors).extracting(Violation::code).containsExactly("too-complex");
    }

    @Test
    void theDigestTellsBodiesApart() throws IOException {
        byte[] digest = parse("[{\"kind\":\"echo\"}]").digest();

        assertThat(parse("[{\"kind\":\"echo\"}]").digest()).isEqualTo(digest);
        assertThat(parse("[{\"kind\":\"echo\"} ]").digest()).isNotEqualTo(digest);
        assertThat(Fingerprint.of("json", "", digest)).isNotEqualTo(Fingerprint.of("ndjson", "", digest));
        assertThat(Fingerprint.of("json", "", digest)).isNotEqualTo(Fingerprint.of("json", "name=a\n", digest));
    }

    @Test
    void passesOnWhatWentWrongWithTheBody() {
        IOException gone = new IOException("gone");
        InputStream body = new InputStream() {
            @Override
            public int read() throws IOException {
                throw gone;
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
                throw gone;
            }
        };

        assertThatThrownBy(() -> parse(body)).isSameAs(gone);
    }
}
