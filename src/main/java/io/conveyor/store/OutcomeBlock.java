package io.conveyor.store;

import io.conveyor.job.JobState;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Outcomes of one segment, packed for the store, in three parts: a directory that tells place, state and length of each (0 for a value that is that of the one before),
 * so that nobody has to read more to find one; their facts ({@link OutcomeFacts}); and their values, one behind the other.
 * {@link ResultRenderer} makes result lines of it. About 12 bytes an outcome and its value are written, a fifth of the
 * line. Not thread-safe.
 */
final class OutcomeBlock {

    /** Bytes of a directory entry: place in the segment (1), state (1), length of the value (4), big-endian. */
    static final int ENTRY_BYTES = 6;

    /** Bytes of values at which a block is full, 64 KiB: reading one reads its block. A longer one has a block to itself. */
    static final int FULL_BYTES = 64 * 1024;

    private final byte[] directory;
    private final byte[] facts;
    private final byte[] values;

    private OutcomeBlock(List<OutcomeEntry> outcomes, int valueBytes) {
        directory = new byte[outcomes.size() * ENTRY_BYTES];
        values = new byte[valueBytes];
        OutcomeFacts.Packer packer = new OutcomeFacts.Packer(outcomes.size());
        int size = 0;
        byte[] before = null;
        for (int entry = 0; entry < outcomes.size(); entry++) {
            OutcomeEntry outcome = outcomes.get(entry);
            byte[] value = outcome.value();
            boolean same = value == before; // that of jobs which were cancelled together
            int length = same ? 0 : value.length;
            enter(entry, outcome, length);
            packer.add(outcome, same);
            System.arraycopy(value, 0, values, size, length);
            size += length;
            before = value;
        }
        facts = packer.take();
    }

    /** The blocks for these outcomes of one segment, in their order. */
    static List<OutcomeBlock> blocks(List<OutcomeEntry> outcomes) {
        List<OutcomeBlock> blocks = new ArrayList<>(1);
        int begin = 0;
        int bytes = 0;
        for (int i = 0; i < outcomes.size(); i++) {
            int length = isRepeated(outcomes, i, begin) ? 0 : outcomes.get(i).value().length;
            if (i > begin && bytes + length > FULL_BYTES) {
                blocks.add(new OutcomeBlock(outcomes.subList(begin, i), bytes));
                begin = i;
                length = outcomes.get(i).value().length;
                bytes = 0;
            }
            bytes += length;
        }
        blocks.add(new OutcomeBlock(outcomes.subList(begin, outcomes.size()), bytes));
        return blocks;
    }

    @SuppressWarnings("ArrayEquals") // the very same bytes; comparing others would cost more than it saves
    private static boolean isRepeated(List<OutcomeEntry> outcomes, int i, int begin) {
        return i > begin && outcomes.get(i).value() == outcomes.get(i - 1).value();
    }

    int count() {
        return count(directory);
    }

    byte[] directory() {
        return directory;
    }

    byte[] facts() {
        return facts;
    }

    byte[] values() {
        return values;
    }

    static int count(byte[] directory) {
        return directory.length / ENTRY_BYTES;
    }

    static int place(byte[] directory, int entry) {
        return directory[entry * ENTRY_BYTES] & 0xff;
    }

    /** Adds the places of all entries of a directory. */
    static void addPlaces(byte[] directory, BitSet places) {
        for (int entry = 0; entry < count(directory); entry++) {
            places.set(place(directory, entry));
        }
    }

    static JobState state(byte[] directory, int entry) {
        return JobState.ofCode((char) directory[entry * ENTRY_BYTES + 1]);
    }

    static int length(byte[] directory, int entry) {
        int at = entry * ENTRY_BYTES + 2;
        return (directory[at] & 0xff) << 24
                | (directory[at + 1] & 0xff) << 16
                | (directory[at + 2] & 0xff) << 8
                | (directory[at + 3] & 0xff);
    }

    static int[] lengths(byte[] directory) {
        return IntStream.range(0, count(directory))
                .map(entry -> length(directory, entry))
                .toArray();
    }

    private void enter(int entry, OutcomeEntry outcome, int length) {
        int at = entry * ENTRY_BYTES;
        directory[at] = (byte) (outcome.index() - outcome.segment().firstIndex());
        directory[at + 1] = (byte) outcome.state().code();
        directory[at + 2] = (byte) (length >>> 24);
        directory[at + 3] = (byte) (length >>> 16);
        directory[at + 4] = (byte) (length >>> 8);
        directory[at + 5] = (byte) length;
    }
}
