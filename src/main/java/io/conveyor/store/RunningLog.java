package io.conveyor.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Which jobs run right now, noted where it survives the process: in a small file beside the database that is mapped into
 * memory. An entry costs two stores to memory and no call of the system; the page cache keeps it when the process is
 * killed. A power cut may lose it, and then nobody is suspected. Thread-safe as long as a place has one user at a time.
 *
 * <pre>
 *   64 bytes: number of the process (8), milliseconds of a look that was too short (8), see {@link #lookedInVain}
 *   64 bytes for each place: batch number (8), index (4), check (4), which also depends on the process; 0 for a free place
 * </pre>
 *
 * The check is written last and taken away first, so an entry that was cut short in the middle does not count. Each place has
 * a line of the processor's cache to itself. The blocks are written once at the start: a full disk cannot fail a store to
 * memory later.
 */
public final class RunningLog implements AutoCloseable {

    /** Bytes of a line of the processor's cache. */
    private static final int STRIDE = 64;

    /** In the first line. */
    private static final int LOOK = 8;

    private static final int INDEX = 8;
    private static final int CHECK = 12;

    /** More than any pool has places; what is longer is not ours. */
    private static final int MOST_BYTES = 1 << 22;

    /** Milliseconds of a day, in which every job ends; what is longer is not ours. */
    private static final long MOST_LOOK = 86_400_000;

    private final FileChannel channel;
    private final int places;
    private final long formerRun;
    private final Duration formerLook;
    private final List<Entry> found;

    // Mutable state: by start(), before anybody else comes
    private ByteBuffer memory = ByteBuffer.allocate(0);
    private long run;

    /** A job that was in its handler. */
    public record Entry(long batchNo, int index) {}

    /** Opens the log of the store. */
    public interface Opener {

        /** @param places jobs that may run at once */
        RunningLog open(int places);
    }

    private RunningLog(FileChannel channel, int places) throws IOException {
        this.channel = channel;
        this.places = places;
        ByteBuffer before = ByteBuffer.allocate((int) Math.min(channel.size(), MOST_BYTES));
        int read;
        do {
            read = channel.read(before, before.position());
        } while (read > 0 && before.hasRemaining());
        before.clear();
        boolean noted = before.capacity() >= STRIDE;
        formerRun = noted ? before.getLong(0) : 0;
        formerLook = Duration.ofMillis(noted ? Math.max(0, Math.min(before.getLong(LOOK), MOST_LOOK)) : 0);
        found = List.copyOf(entries(before, formerRun));
    }

    /** Opens the file and reads what an earlier process has left in it, which stays there until {@link #start}. */
    public static RunningLog open(Path path, int places) {
        try {
            FileChannel channel = FileChannel.open(
                    path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            try {
                return new RunningLog(channel, places);
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw unusable(path, e);
        }
    }

    private static StoreStartException unusable(Object path, IOException e) {
        return new StoreStartException(
                "The file " + path + ", which tells what ran when the service ended, cannot be written: "
                        + e.getMessage(),
                "Make sure that its disk has room and may be written; the file itself may be deleted.",
                e);
    }

    private static List<Entry> entries(ByteBuffer before, long run) {
        List<Entry> entries = new ArrayList<>();
        for (int at = STRIDE; at + STRIDE <= before.capacity(); at += STRIDE) {
            long batchNo = before.getLong(at);
            int index = before.getInt(at + INDEX);
            int check = before.getInt(at + CHECK);
            if (check != 0 && check == check(run, batchNo, index)) {
                entries.add(new Entry(batchNo, index));
            }
        }
        return entries;
    }

    /** Never 0, which stands for a free place. */
    private static int check(long run, long batchNo, int index) {
        long mixed = (run ^ (batchNo * 0x9E3779B97F4A7C15L)) + index * 0xC2B2AE3D27D4EB4FL;
        long spread = (mixed ^ (mixed >>> 29)) * 0xBF58476D1CE4E5B9L;
        return (int) (spread >>> 32) | 1;
    }

    /** Number of the process that used it before, or 0 if none has; no two have the same. */
    public long formerRun() {
        return formerRun;
    }

    /** How long that process had looked at suspects alone and not come to an end with them; zero if it had, or was stopped in good order. */
    public Duration formerLook() {
        return formerLook;
    }

    /** This process has looked at suspects alone for so long, and lets the others begin although they still run. */
    public void lookedInVain(Duration time) {
        memory.putLong(LOOK, time.toMillis());
    }

    /** The jobs that ran when that process died; none if it was stopped in good order. */
    public List<Entry> found() {
        return found;
    }

    /** Forgets what was found; from now on it tells of this process. Call it before the first {@link #enter}. */
    public void start() {
        try {
            ByteBuffer empty = ByteBuffer.allocate((places + 1) * STRIDE);
            run = ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);
            empty.putLong(0, run);
            channel.truncate(empty.capacity());
            while (empty.hasRemaining()) {
                channel.write(empty, empty.position());
            }
            memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, empty.capacity());
        } catch (IOException e) {
            throw unusable("beside the database", e);
        }
    }

    /** The job runs at that place from now on. */
    public void enter(int place, long batchNo, int index) {
        int at = (place + 1) * STRIDE;
        memory.putLong(at, batchNo);
        memory.putInt(at + INDEX, index);
        memory.putInt(at + CHECK, check(run, batchNo, index));
    }

    /** Nothing runs at that place any more. */
    public void leave(int place) {
        memory.putInt((place + 1) * STRIDE + CHECK, 0);
    }

    /** The process ends in good order: what still runs is not to blame for it. */
    public void clear() {
        if (memory.capacity() > 0) {
            memory.putLong(LOOK, 0);
        }
        for (int place = 0; (place + 2) * STRIDE <= memory.capacity(); place++) {
            leave(place);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
