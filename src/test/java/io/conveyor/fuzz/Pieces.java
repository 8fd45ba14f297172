package io.conveyor.fuzz;

import java.io.InputStream;
import java.util.SplittableRandom;

/**
 * A body that comes in pieces as it likes: as a whole, byte by byte, or in pieces of any size; and now and then nothing more has
 * come yet. Not thread-safe.
 */
public final class Pieces extends InputStream {

    private static final int[] LARGEST = {Integer.MAX_VALUE, 1, 4, 60, 9000};

    private final byte[] body;
    private final int most;
    private final SplittableRandom random;

    // Mutable state
    private int at;
    private boolean dry;

    /** @param plan how the pieces are cut; the same number cuts them the same */
    public Pieces(byte[] body, int plan) {
        this.body = body;
        most = LARGEST[plan % LARGEST.length];
        random = new SplittableRandom(plan);
    }

    @Override
    public int available() {
        dry = at == body.length || random.nextInt(3) == 0;
        return dry ? 0 : body.length - at;
    }

    /** Whether who reads next was told that it would have to wait. */
    public boolean isDry() {
        return dry;
    }

    @Override
    public int read() {
        return at < body.length ? body[at++] & 0xff : -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
        if (length == 0) {
            return 0;
        }
        if (at == body.length) {
            return -1;
        }
        int piece = most == Integer.MAX_VALUE ? most : random.nextInt(1, most + 1);
        int n = Math.min(Math.min(length, piece), body.length - at);
        System.arraycopy(body, at, target, offset, n);
        at += n;
        return n;
    }
}
