package io.conveyor.store;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads what {@link PackedOutput} wrote, in the same order. Not thread-safe. */
final class PackedInput {

    private final byte[] bytes;
    private int position;

    PackedInput(byte[] bytes) {
        this.bytes = bytes;
    }

    int readByte() {
        return bytes[position++];
    }

    long readNumber() {
        long number = 0;
        int shift = 0;
        byte b;
        do {
            b = bytes[position++];
            number |= (long) (b & 0x7f) << shift;
            shift += 7;
        } while (b < 0);
        return number;
    }

    long readSigned() {
        long number = readNumber();
        return (number >>> 1) ^ -(number & 1);
    }

    /** A copy of the bytes that were written with their length. */
    byte[] read() {
        int length = (int) readNumber();
        byte[] read = Arrays.copyOfRange(bytes, position, position + length);
        position += length;
        return read;
    }

    String readText() {
        int length = (int) readNumber();
        String text = new String(bytes, position, length, StandardCharsets.UTF_8);
        position += length;
        return text;
    }

    /** Passes over what {@link #read} would copy. */
    void pass() {
        int length = (int) readNumber();
        position += length;
    }
}
