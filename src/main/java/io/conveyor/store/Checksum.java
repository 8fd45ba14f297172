package io.conveyor.store;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * What stands behind the bytes that clients get back, and tells at each reading whether they are those that were written,
 * and stand where they were written: a disk that gives back other bytes is noticed before anybody gets to see them.
 * CRC32C, for which processors have an instruction. Stateless.
 */
final class Checksum {

    /** How many bytes it takes. */
    static final int BYTES = Integer.BYTES;

    private Checksum() {}

    /**
     * A copy of the bytes with the checksum behind them.
     *
     * @param place numbers that say where the bytes belong
     */
    static byte[] seal(byte[] bytes, long... place) {
        byte[] sealed = Arrays.copyOf(bytes, bytes.length + BYTES);
        ByteBuffer.wrap(sealed).putInt(bytes.length, of(bytes, bytes.length, place));
        return sealed;
    }

    /**
     * The bytes without their checksum.
     *
     * @throws StoreException if they are not those that were sealed for that place
     */
    static byte[] open(byte[] sealed, long... place) {
        int length = sealed.length - BYTES;
        if (length < 0 || ByteBuffer.wrap(sealed).getInt(length) != of(sealed, length, place)) {
            throw new StoreException(
                    StoreException.Reason.DAMAGED, "What the store has at " + Arrays.toString(place) + " is damaged");
        }
        return Arrays.copyOf(sealed, length);
    }

    /** As a number of a place: has other bytes checked with those that are sealed. */
    static long of(byte[] bytes) {
        return of(bytes, bytes.length);
    }

    private static int of(byte[] bytes, int length, long... place) {
        CRC32C crc = new CRC32C();
        if (place.length > 0) {
            ByteBuffer numbers = ByteBuffer.allocate(place.length * Long.BYTES);
            for (long number : place) {
                numbers.putLong(number);
            }
            crc.update(numbers.flip());
        }
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
