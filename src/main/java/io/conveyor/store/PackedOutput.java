package io.conveyor.store;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes that grow as they are written; what {@link PackedInput} reads. Not thread-safe. */
final class PackedOutput {

    private byte[] bytes;
    private int size;

    PackedOutput(int expected) {
        bytes = new byte[expected];
    }

    void writeByte(int b) {
        ensure(1);
        bytes[size++] = (byte) b;
    }

    /** Seven bits a byte, the lowest first; small numbers are short. */
    void writeNumber(long number) {
        long rest = number;
        while ((rest & ~0x7fL) != 0) {
            writeByte((int) (rest & 0x7f) | 0x80);
            rest >>>= 7;
        }
        writeByte((int) rest);
    }

    /** A number near zero on either side is short. */
    void writeSigned(long number) {
        writeNumber((number << 1) ^ (number >> (Long.SIZE - 1)));
    }

    /** Length and bytes. */
    void write(byte[] more) {
        writeNumber(more.length);
        append(more);
    }

    /** Length and UTF-8. */
    void write(String text) {
        write(text.getBytes(StandardCharsets.UTF_8));
    }

    /** The bytes alone. */
    void append(byte[] more) {
        ensure(more.length);
        System.arraycopy(more, 0, bytes, size, more.length);
        size += more.length;
    }

    int size() {
        return size;
    }

    /** What was written; empty afterwards, with the room that it had. */
    byte[] take() {
        byte[] taken = Arrays.copyOf(bytes, size);
        size = 0;
        return taken;
    }

    private void ensure(int more) {
        if (bytes.length - size < more) {
            bytes = Arrays.copyOf(bytes, Math.max(size + more, bytes.length * 2));
        }
    }
}
