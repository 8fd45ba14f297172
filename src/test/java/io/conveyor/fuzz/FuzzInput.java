package io.conveyor.fuzz;

import java.util.Arrays;

/**
 * What a fuzzer made, read as a few small numbers and a body: each number is a byte that can be typed, '0' for 0 up to 'o' for
 * 63, so that seeds can be read and written by people. What is not there is 0. Immutable as long as nobody changes the bytes.
 */
public record FuzzInput(byte[] data, int numbers) {

    /** The number at that place, 0 to 63. */
    public int number(int place) {
        return place < data.length ? Math.floorMod(data[place] - '0', 64) : 0;
    }

    /** What stands behind the numbers. */
    public byte[] body() {
        return data.length <= numbers ? new byte[0] : Arrays.copyOfRange(data, numbers, data.length);
    }
}
