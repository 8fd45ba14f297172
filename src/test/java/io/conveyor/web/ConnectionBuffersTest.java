package io.conveyor.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ConnectionBuffersTest {

    private final ConnectionBuffers buffers = new ConnectionBuffers(8, 8);

    private void put(String text) {
        buffers.configureWriteBufferForWrite();
        buffers.getWriteBuffer().put(text.getBytes(StandardCharsets.US_ASCII));
    }

    private String take(int bytes) {
        buffers.configureWriteBufferForRead();
        byte[] taken = new byte[bytes];
        buffers.getWriteBuffer().get(taken);
        return new String(taken, StandardCharsets.US_ASCII);
    }

    @Test
    void whatIsPutInComesOutInOrderHoweverItIsTaken() {
        put("abcdef");
        assertThat(take(4)).isEqualTo("abcd");
        put("ghijkl");
        assertThat(buffers.isWriteBufferWritable()).isFalse();
        assertThat(take(8)).isEqualTo("efghijkl");
        assertThat(buffers.isWriteBufferEmpty()).isTrue();
        assertThat(buffers.isWriteBufferWritable()).isTrue();
    }

    @Test
    void theBufferGrowsOnlyWhenNothingIsLostByIt() {
        put("abc");
        buffers.widen(64);
        assertThat(take(3)).isEqualTo("abc");
        assertThat(buffers.getWriteBuffer().capacity()).isEqualTo(8);

        buffers.widen(64);
        assertThat(buffers.getWriteBuffer().capacity()).isEqualTo(64);
        put("0123456789");
        assertThat(take(10)).isEqualTo("0123456789");
        buffers.widen(32);
        assertThat(buffers.getWriteBuffer().capacity()).isEqualTo(64);
    }

    @Test
    void theNextConnectionFindsTheOrdinaryBufferAndNothingInIt() {
        buffers.widen(64);
        put("0123456789");
        buffers.reset();

        assertThat(buffers.getWriteBuffer().capacity()).isEqualTo(8);
        assertThat(buffers.isWriteBufferEmpty()).isTrue();
        put("abc");
        buffers.reset();
        assertThat(buffers.isWriteBufferEmpty()).isTrue();
        assertThat(buffers.getWriteBuffer().remaining()).isEqualTo(8);
    }
}
