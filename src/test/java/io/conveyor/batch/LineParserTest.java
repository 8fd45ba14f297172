package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.conveyor.job.Job;
import io.conveyor.web.ApiException;
import io.conveyor.web.Problem;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class LineParserTest {

    private static final int MAX_JOB = 1024;

    private final List<Job> jobs = new ArrayList<>();
    private final LineParser parser = new LineParser(new LinkedHashSet<>(List.of("echo", "hash")), 100, MAX_JOB);

    private int parse(String body) throws IOException {
        return parse(new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)));
    }

    private int parse(InputStream body) throws IOException {
        return parser.parse(body, jobs::add);
    }

    private static JsonNode problem(Job job) {
        return new JsonMapper().readTree(Objects.requireNonNull(job.problem()));
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Test
    void takesAJobALineWithItsInputByteForByte() throws IOException {
        int total = parse("""
                {"kind":"echo","input":{"price": 1.10, "serial": 12345678901234567890, "text": "\\u00e4\\n"}}
                { "custom_id" : "ä-1", "kind":"hash" , "timeout_ms":250, "metadata":[1,2] }
                """);

        assertThat(total).isEqualTo(2);
        assertThat(text(jobs.get(0).input()))
                .isEqualTo("{\"price\": 1.10, \"serial\": 12345678901234567890, \"text\": \"\\u00e4\\n\"}");
        Job second = jobs.get(1);
        assertThat(second.index()).isEqualTo(1);
        assertThat(second.kind()).isEqualTo("hash");
        assertThat(second.customId()).isEqualTo("ä-1");
        assertThat(second.timeoutMillis()).isEqualTo(250);
        assertThat(text(second.metadata())).isEqualTo("[1,2]");
        assertThat(second.input()).isNull();
        assertThat(jobs).allSatisfy(job -> assertThat(job.problem()).isNull());
    }

    @Test
    void passesOverBlankLinesAByteOrderMarkAndCarriageReturns() throws IOException {
        assertThat(
                        parse(
                                "\uFEFF{\"kind\":\"echo\"}\r\n\r\n  \t\n\n{\"kind\":\"echo\",\"input\":1}\r\n{\"kind\":\"echo\",\"input\":2}"))
                .isEqualTo(3);

        assertThat(jobs).extracting(Job::problem).containsOnlyNulls();
        assertThat(text(jobs.get(2).input())).isEqualTo("2");
    }

    @Test
    void aBodyWithoutLinesHasNoJobs() throws IOException {
        assertThat(parse("")).isZero();
        assertThat(parse("\n\r\n")).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "nonsense | invalid-job | ``",
                "{\"kind\":\"echo\" | invalid-job | echo",
                "{\"kind\":\"echo\"} {\"kind\":\"echo\"} | invalid-job | echo",
                "{\"kind\":\"echo\",\"input\":01} | invalid-job | echo",
                "[{\"kind\":\"echo\"}] | invalid-job | ``",
                "{\"input\":1} | invalid-job | ``",
                "{\"kind\":7} | invalid-job | ``",
                "{\"kind\":\"echo\",\"kind\":\"echo\"} | invalid-job | echo",
                "{\"kind\":\"echo\",\"inputs\":1} | invalid-job | echo",
                "{\"kind\":\"echo\",\"timeout_ms\":0} | invalid-job | echo",
                "{\"kind\":\"echo\",\"timeout_ms\":1.5} | invalid-job | echo",
                "{\"kind\":\"echo\",\"custom_id\":\"\"} | invalid-job | echo",
                "{\"kind\":\"ecko\"} | unknown-kind | ecko",
                "null | invalid-job | ``",
            })
    void aBadLineBecomesAJobWithItsProblemAndTheRestGoesOn(String line, String slug, String kind) throws IOException {
        parse("{\"kind\":\"echo\"}\n\n" + line + "\n{\"kind\":\"hash\"}\n");

        assertThat(jobs).hasSize(3);
        assertThat(jobs).extracting(Job::index).containsExactly(0, 1, 2);
        assertThat(jobs.get(1).kind()).isEqualTo(kind);
        assertThat(problem(jobs.get(1)).at("/type").asString()).isEqualTo("/problems/" + slug);
        assertThat(problem(jobs.get(1)).at("/line").asInt()).isEqualTo(3);
        assertThat(problem(jobs.get(1)).at("/retryable").asBoolean()).isFalse();
        assertThat(problem(jobs.get(1)).at("/detail").asString()).doesNotContain("Source", "jackson");
        assertThat(jobs.get(2).problem()).isNull();
    }

    @Test
    void aBadLineSaysWhereAndHowToMendIt() throws IOException {
        parse(
                "{\"kind\":\"hsah\",\"custom_id\":\"a\"}\n{\"kind\":\"echo\",\"inputs\":1,\"timeout_ms\":-1}\n{\"kind\" \"echo\"}");

        JsonNode unknown = problem(jobs.get(0));
        assertThat(unknown.at("/detail").asString()).contains("Did you mean 'hash'?");
        assertThat(unknown.at("/known_kinds")).hasSize(2);
        assertThat(jobs.get(0).customId()).isEqualTo("a");
        JsonNode two = problem(jobs.get(1));
        assertThat(two.at("/errors/0/pointer").asString()).isEqualTo("/inputs");
        assertThat(two.at("/errors/1/pointer").asString()).isEqualTo("/timeout_ms");
        assertThat(problem(jobs.get(2)).at("/column").asInt()).isEqualTo(9);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 200, 70_000, 300_000})
    void ofALineThatIsTooLongNothingIsKeptAndTheRestGoesOn(int over) throws IOException {
        String frame = "{\"kind\":\"echo\",\"input\":\"\"}";
        String fits = frame.replace("\"\"", '"' + "x".repeat(MAX_JOB - frame.length()) + '"');
        String tooLong = frame.replace("\"\"", '"' + "x".repeat(MAX_JOB - frame.length() + over) + '"');
        parse(fits + "\r\n" + tooLong + "\n" + tooLong + "\r\n" + fits + "\n" + tooLong);

        assertThat(jobs).hasSize(5);
        assertThat(jobs.get(0).problem()).isNull();
        assertThat(jobs.get(3).problem()).isNull();
        for (int bad : new int[] {1, 2, 4}) {
            assertThat(problem(jobs.get(bad)).at("/limit").asInt()).isEqualTo(MAX_JOB);
            assertThat(problem(jobs.get(bad)).at("/line").asInt()).isEqualTo(bad + 1);
        }
    }

    @Test
    void aLineThatIsNoUtf8IsRefusedAlone() throws IOException {
        byte[] body = "{\"kind\":\"echo\",\"input\":\"?\"}\n{\"kind\":\"echo\"}".getBytes(StandardCharsets.US_ASCII);
        body[24] = (byte) 0xff;
        parse(new ByteArrayInputStream(body));

        assertThat(problem(jobs.get(0)).at("/column").asInt()).isEqualTo(25);
        assertThat(jobs.get(1).problem()).isNull();
    }

    @Test
    void tooManyLinesRefuseTheBody() {
        ApiException refused = Objects.requireNonNull(
                catchThrowableOfType(ApiException.class, () -> parse("{\"kind\":\"echo\"}\n".repeat(101))));

        assertThat(refused.problem()).isEqualTo(Problem.TOO_MANY_JOBS);
    }

    @Test
    void pausesBeforeItHasToWaitForTheClientAndNotSooner() throws IOException {
        List<String> heard = new ArrayList<>();
        String line = "{\"kind\":\"echo\"}\n";
        InputStream trickle = new ByteArrayInputStream(line.repeat(4).getBytes(StandardCharsets.US_ASCII)) {
            @Override
            public synchronized int read(byte[] target, int offset, int length) {
                heard.add("read");
                return super.read(target, offset, Math.min(length, 2 * line.length()));
            }

            @Override
            public synchronized int available() {
                return 0;
            }
        };
        parser.parse(trickle, new JobSink() {
            @Override
            public void accept(Job job) {
                heard.add("job");
            }

            @Override
            public void pause() {
                heard.add("pause");
            }
        });

        assertThat(heard)
                .containsExactly("pause", "read", "job", "job", "pause", "read", "job", "job", "pause", "read");
    }
}
