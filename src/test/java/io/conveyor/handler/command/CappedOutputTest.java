package io.conveyor.handler.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class CappedOutputTest {

    @Test
    void keepsAHeadAndKnowsWhenThereIsMore() throws IOException {
        CappedOutput exact = CappedOutput.head(stream("12345"), 5);
        CappedOutput more = CappedOutput.head(stream("123456"), 5);

        assertThat(exact.take()).isTrue();
        assertThat(exact.take()).isFalse();
        assertThat(exact.isOver()).isFalse();
        assertThat(exact.bytes()).isEqualTo("12345".getBytes(StandardCharsets.UTF_8));
        assertThat(more.take()).isTrue();
        assertThat(more.isOver()).isTrue();
    }

    @Test
    void keepsATailOfGigabytes() throws IOException {
        CappedOutput tail = CappedOutput.tail(new Endless(), 10);
        long most = Integer.MAX_VALUE; // more than one array can hold
        for (long taken = 0; taken <= most; taken += Endless.THERE) {
            assertThat(tail.take()).isTrue();
        }

        assertThat(tail.isOver()).isFalse();
        assertThat(tail.bytes()).hasSize(10);
    }

    private static InputStream stream(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    private static final class Endless extends InputStream {

        private static final int THERE = 65_536;

        @Override
        public int available() {
            return THERE;
        }

        @Override
        public int read() {
            return 'x';
        }

        @Override
        public int read(byte[] bytes, int offset, int length) {
            return length;
        }
    }
}
