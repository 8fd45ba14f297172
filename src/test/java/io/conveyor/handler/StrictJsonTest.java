package io.conveyor.handler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.conveyor.job.JobError;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StrictJsonTest {

    enum Colour {
        RED,
        GREEN
    }

    record Inner(String name) {}

    record Input(
            String text,
            int count,
            @Nullable Boolean flag,
            @Nullable Colour colour,
            @Nullable Inner inner,
            @Nullable List<Inner> list,
            @Nullable Double ratio,
            @Nullable RawJson raw) {

        Input {
            if (count == 13) {
                throw new IllegalArgumentException("Thirteen is not served here; give another count.");
            }
        }
    }

    @Test
    void bindsWhatIsRight() throws JobFailure {
        Input input = read("{\"text\":\"a\",\"count\":3,\"colour\":\"RED\",\"list\":[{\"name\":\"n\"}],\"ratio\":2}");

        assertThat(input).isEqualTo(new Input("a", 3, null, Colour.RED, null, List.of(new Inner("n")), 2.0, null));
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '^',
            delimiter = '|',
            value = {
                "{'text':'a','count':1,'other':2}    | /input/other       | There is no field 'other' here",
                "{'count':1}                         | /input/text        | needed",
                "{'text':null,'count':1}             | /input/text        | needed",
                "{'text':'a'}                        | /input/count       | whole number",
                "{'text':'a','count':null}           | /input/count       | whole number",
                "{'text':'a','count':'1'}            | /input/count       | whole number",
                "{'text':'a','count':1.0}            | /input/count       | whole number",
                "{'text':'a','count':99999999999}    | /input/count       | too large",
                "{'text':1,'count':1}                | /input/text        | a string",
                "{'text':true,'count':1}             | /input/text        | a string",
                "{'text':1.5,'count':1}              | /input/text        | a string",
                "{'text':['a'],'count':1}            | /input/text        | a string",
                "{'text':'a','count':1,'flag':'true'} | /input/flag       | true or false",
                "{'text':'a','count':1,'flag':1}     | /input/flag        | true or false",
                "{'text':'a','count':1,'colour':1}   | /input/colour      | one of RED, GREEN",
                "{'text':'a','count':1,'colour':'BLUE'} | /input/colour   | one of RED, GREEN",
                "{'text':'a','count':1,'ratio':'1'}  | /input/ratio       | a number",
                "{'text':'a','count':1,'inner':[]}   | /input/inner       | an object",
                "{'text':'a','count':1,'inner':{}}   | /input/inner/name  | needed",
                "{'text':'a','count':1,'list':{}}    | /input/list        | an array",
                "{'text':'a','count':1,'list':[{'name':'n'},{'name':1}]} | /input/list/1/name | a string",
                "{'text':'a','count':1,'a/b~c':1}    | /input/a~1b~0c     | There is no field",
                "{'text':'a','count':1,'count':2}    | /input             | twice",
                "{'text':'a','count':1} {}           | /input             | object",
                "{'text':'a','count':13}             | /input             | Thirteen is not served here",
                "{'text':'a','count':1               | /input             | not valid JSON",
                "[]                                  | /input             | an object",
                "5                                   | /input             | an object",
                "null                                | /input             | an object",
            })
    void refusesWithAPointerAndAWordOfHelp(String json, String pointer, String word) {
        JobError error = refused(json.replace('\'', '"'));

        assertThat(error.slug()).isEqualTo("invalid-job");
        assertThat(error.retryable()).isFalse();
        assertThat((String) error.extensions().get("pointer")).startsWith(pointer);
        assertThat(error.detail())
                .contains(word)
                .doesNotContain("java")
                .doesNotContain("jackson")
                .doesNotContain("StrictJson");
    }

    @Test
    void refusesMoreThan64Levels() {
        assertThat(refused("{\"raw\":" + "[".repeat(64) + "]".repeat(64) + "}").detail())
                .contains("64 levels");
    }

    @Test
    void refusesStringsOfMoreThanAMegabyte() {
        assertThat(refused("{\"text\":\"" + "x".repeat(StrictJson.MAX_STRING + 1) + "\"}")
                        .detail())
                .contains("1048576");
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '^',
            delimiter = '|',
            value = {
                "1.10",
                "12345678901234567890",
                "1e2",
                "\"a\\u00e9 \\/ é\"",
                "{ \"a\" : [ 1.10, {} ] }",
                "[]",
                "true",
                "\"\""
            })
    void rawJsonKeepsTheCharactersOfItsClient(String json) throws JobFailure {
        Input input = read("{\"text\": \"é\", \"raw\" :  " + json + "  , \"count\":1}");
        assertThat(input.raw()).isEqualTo(new RawJson(json));

        Input last = read("{\"text\": \"é\", \"count\":1, \"raw\":" + json + "}");
        assertThat(last.raw()).isEqualTo(new RawJson(json));
        assertThat(new String(JobOutput.json(List.of(last.raw())).json(), StandardCharsets.UTF_8))
                .isEqualTo("[" + json + "]");
    }

    @Test
    void rawJsonIsOneWholeValue() {
        assertThat(RawJson.of(" {\"a\": 1.10}\n")).isPresent();
        assertThat(RawJson.of("\"text\"")).isPresent();
        assertThat(RawJson.of("")).isEmpty();
        assertThat(RawJson.of("1 2")).isEmpty();
        assertThat(RawJson.of("{\"a\":")).isEmpty();
        assertThat(RawJson.of("\"open")).isEmpty();
        assertThat(RawJson.of("[1]]")).isEmpty();
        assertThat(RawJson.of("text")).isEmpty();
        assertThat(RawJson.of("NaN")).isEmpty();
    }

    @Test
    void rawJsonPaysOutTheCharactersOfAStringAndElseItsJson() {
        assertThat(new RawJson("\"a\\n\\u00e9\"").payload()).isEqualTo("a\né".getBytes(StandardCharsets.UTF_8));
        assertThat(new RawJson("[1.10]").payload()).isEqualTo("[1.10]".getBytes(StandardCharsets.UTF_8));
    }

    private static Input read(String json) throws JobFailure {
        return StrictJson.read(json.getBytes(StandardCharsets.UTF_8), Input.class, "/input");
    }

    private static JobError refused(String json) {
        return catchThrowableOfType(JobFailure.class, () -> read(json)).error();
    }
}
