package io.conveyor.handler;

import static io.conveyor.handler.Jobs.failure;
import static io.conveyor.handler.Jobs.job;
import static io.conveyor.handler.Jobs.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SimpleKindsTest {

    private final JobHandler echo = new EchoHandler();
    private final JobHandler sleep = new SleepHandler();
    private final JobHandler hash = new HashHandler();

    @AfterEach
    void clearTheFlag() {
        boolean interrupted = Thread.interrupted();
        assertThat(interrupted).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.10", "12345678901234567890", "{ \"a\" : \"\\u00e9\\/\", \"a\": 1e2 }", "\"\"", "null"})
    void echoGivesBackByteForByte(String json) throws Exception {
        assertThat(run(echo, json)).isEqualTo(json);
    }

    @Test
    void echoWithoutInputGivesNull() throws Exception {
        assertThat(run(echo, null)).isEqualTo("null");
    }

    @Test
    void outputsAreOnOneLine() throws Exception {
        assertThat(run(echo, "{\n  \"a\":\r\n 1\n}")).isEqualTo("{   \"a\":   1 }");
    }

    @Test
    void lineBreaksAreFoundAtEveryPlace() {
        for (int length = 1; length <= 33; length++) {
            for (int at = 0; at < length; at++) {
                char[] text = "é".repeat(length).toCharArray();
                text[at] = at % 2 == 0 ? '\n' : '\r';
                String output = new String(JobOutput.ofJson(new String(text)).json(), StandardCharsets.UTF_8);
                text[at] = ' ';
                assertThat(output).isEqualTo(new String(text));
            }
        }
    }

    @Test
    void outputDoesNotWriteIntoTheInput() {
        byte[] input = "[\n]".getBytes(StandardCharsets.UTF_8);

        assertThat(new JobOutput(input).json()).isEqualTo("[ ]".getBytes(StandardCharsets.UTF_8));
        assertThat(input).isEqualTo("[\n]".getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void sleepSaysHowLong() throws Exception {
        assertThat(run(sleep, "{\"ms\":2}")).isEqualTo("{\"slept_ms\":2}");
        assertThat(run(sleep, "{\"ms\":0}")).isEqualTo("{\"slept_ms\":0}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"ms\":-1}", "{\"ms\":86400001}", "{\"ms\":\"1\"}", "{\"ms\":1.5}", "{}"})
    void sleepRefusesOtherTimes(String input) {
        assertThat(failure(sleep, input).slug()).isEqualTo("invalid-job");
        assertThat(failure(sleep, input).extensions()).containsEntry("pointer", "/input/ms");
    }

    @Test
    void sleepEndsWhenInterrupted() {
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> sleep.handle(job("{\"ms\":86400000}"))).isInstanceOf(InterruptedException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "SHA-256, 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "SHA-1, aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d",
        "MD5, 5d41402abc4b2a76b9719d911017c592",
        "SHA3-256, 3338be694f50c5f338814986cdf0686453a888b84f424d792af4b9202398f392",
    })
    void hashDigestsText(String algorithm, String hex) throws Exception {
        assertThat(run(hash, "{\"text\":\"hello\",\"algorithm\":\"" + algorithm + "\"}"))
                .isEqualTo("{\"hex\":\"" + hex + "\"}");
    }

    @Test
    void hashIsSha256OfOneRoundUnlessAsked() throws Exception {
        assertThat(run(hash, "{\"text\":\"hello\"}"))
                .isEqualTo(run(hash, "{\"text\":\"hello\",\"algorithm\":\"SHA-256\",\"rounds\":1}"));
    }

    @Test
    void furtherRoundsDigestTheBytesOfTheRoundBefore() throws Exception {
        // printf hello | sha256sum | xxd -r -p | sha256sum
        assertThat(run(hash, "{\"text\":\"hello\",\"rounds\":2}"))
                .isEqualTo("{\"hex\":\"9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50\"}");
    }

    @Test
    void hashEndsWhenInterrupted() {
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> hash.handle(job("{\"text\":\"\",\"rounds\":10000000}")))
                .isInstanceOf(InterruptedException.class);
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '^',
            delimiter = '|',
            value = {
                "{\"text\":\"\",\"algorithm\":\"MD2\"} | /input/algorithm",
                "{\"text\":\"\",\"rounds\":0} | /input/rounds",
                "{\"text\":\"\",\"rounds\":10000001} | /input/rounds",
                "{\"algorithm\":\"MD5\"} | /input/text",
            })
    void hashRefusesWhatItCannotDo(String input, String pointer) {
        assertThat(failure(hash, input).slug()).isEqualTo("invalid-job");
        assertThat(failure(hash, input).extensions()).containsEntry("pointer", pointer);
    }
}
