package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.fuzz.Pieces;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FirstLookTest {

    private static final int ONE_BYTE_EACH = 1;

    private static FirstLook look(String body) throws IOException {
        FirstLook byteByByte = FirstLook.at(new Pieces(body.getBytes(StandardCharsets.UTF_8), ONE_BYTE_EACH));
        FirstLook look = FirstLook.at(stream(body));
        assertThat(byteByByte.lines()).as("byte by byte").isEqualTo(look.lines());
        // A whole document with what follows it
        assertThat(new String(look.body().readAllBytes(), StandardCharsets.UTF_8))
                .isEqualTo(body);
        return look;
    }

    private static InputStream stream(String body) {
        return new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"kind\":\"echo\"}",
                "{\"kind\":\"echo\"}\n{\"kind\":\"echo\"}\n",
                "\r\n\n {\"custom_id\":\"a\",\"kind\":\"echo\"}\n",
                "\uFEFF{\"input\":{\"jobs\":[]},\"kind\":\"echo\"}\n",
                "{\"metadata\":{\"jobs\":1},\"kind\":\"echo\"}\n",
                "{\"knid\":\"echo\"}\n{\"kind\":\"echo\"}\n",
                "{\"timeout_ms\":5}\n{\"kind\":\"echo\"}\n",
                "{\"kind\":\"echo\",\"input\":\"cut off",
            })
    void seesAJobALine(String body) throws IOException {
        assertThat(look(body).lines()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "\n",
                "[{\"kind\":\"echo\"},\n{\"kind\":\"echo\"}]",
                "{\"jobs\":[]}",
                "{\n  \"name\": \"n\",\n  \"jobs\": [\n    {\"kind\": \"echo\"}\n]}\n",
                "{\"metadata\":{\"kind\":1},\"jobs\":[]}\n",
                "{\"jbos\":[]}\n",
                "nonsense\n{\"kind\":\"echo\"}\n",
                "{",
            })
    void seesADocument(String body) throws IOException {
        assertThat(look(body).lines()).isFalse();
    }

    @Test
    void looksNoFurtherThanItMust() throws IOException {
        InputStream never = new InputStream() {
            @Override
            public int read() {
                throw new AssertionError("The first line decides");
            }

            @Override
            public int read(byte[] target, int offset, int length) {
                return read();
            }
        };
        FirstLook look = FirstLook.at(new SequenceInputStream(stream("{\"kind\":\"echo\"}\n"), never));

        assertThat(look.lines()).isTrue();
        assertThat(look.body().available()).isEqualTo(16);
        assertThat(look.body().read(new byte[100])).isEqualTo(16);
    }

    @Test
    void sizeIsNoObstacle() throws IOException {
        String input = "\"" + "x".repeat(100_000) + "\"";
        assertThat(look("{\"kind\":\"echo\",\"input\":" + input + "}\n").lines())
                .isTrue();
        assertThat(look("{\"name\":\"n\",\"jobs\":[{\"kind\":\"echo\",\"input\":" + input + "}]}")
                        .lines())
                .isFalse();
    }

    @Test
    void saysHowToSendGzip() {
        byte[] gzip = {0x1f, (byte) 0x8b, 8, 0};
        assertThatThrownBy(() -> FirstLook.at(new ByteArrayInputStream(gzip)))
                .hasMessageContaining("Content-Encoding: gzip");
        assertThatThrownBy(() -> FirstLook.at(new Pieces(gzip, ONE_BYTE_EACH)))
                .hasMessageContaining("Content-Encoding: gzip");
    }
}
