package io.conveyor.batch;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Finds the first byte that cannot stand in UTF-8 (RFC 3629, table 3-7 of the Unicode standard): overlong forms,
 * surrogates and what lies above U+10FFFF are refused. Takes a text in pieces that end anywhere. Not thread-safe.
 */
final class Utf8Check {

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    /** The bits that are set in no byte of ASCII: most texts are, and eight bytes are looked at in one step. */
    private static final long NOT_ASCII = 0x8080_8080_8080_8080L;

    // Mutable state: continuation bytes still to come, and the range of the next
    private int missing;
    private int low;
    private int high;

    /** Begins a new text. */
    void begin() {
        missing = 0;
    }

    /** How many of these bytes are good; less than {@code length} only where the next one is not. */
    int check(byte[] bytes, int offset, int length) {
        int end = offset + length;
        for (int i = offset; i < end; i++) {
            while (missing == 0 && i <= end - Long.BYTES && ((long) LONGS.get(bytes, i) & NOT_ASCII) == 0) {
                i += Long.BYTES;
            }
            if (i == end) {
                break;
            }
            int b = bytes[i];
            if (missing == 0 && b >= 0) {
                continue;
            }
            if (!(missing == 0 ? lead(b & 0xff) : continuation(b & 0xff))) {
                return i - offset;
            }
        }
        return length;
    }

    /** Whether the bytes so far end with a whole character. */
    boolean complete() {
        return missing == 0;
    }

    private boolean lead(int b) {
        low = b == 0xE0 ? 0xA0 : b == 0xF0 ? 0x90 : 0x80;
        high = b == 0xED ? 0x9F : b == 0xF4 ? 0x8F : 0xBF;
        if (b >= 0xC2 && b <= 0xDF) {
            missing = 1;
        } else if (b >= 0xE0 && b <= 0xEF) {
            missing = 2;
        } else if (b >= 0xF0 && b <= 0xF4) {
            missing = 3;
        }
        return missing > 0;
    }

    private boolean continuation(int b) {
        if (b < low || b > high) {
            return false;
        }
        low = 0x80;
        high = 0xBF;
        missing--;
        return true;
    }
}
