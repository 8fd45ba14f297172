package io.conveyor.store;

import io.conveyor.job.JobState;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Packs outcomes into a block: the result lines as clients get them, and beside them a directory that tells place,
 * state and length of each, so that nobody has to parse a line to find it. Numbers are big-endian. Not thread-safe.
 */
final class OutcomeLines {

    /** Bytes of a directory entry: place in the segment (1), state (1), length of the line with its line feed (4). */
    static final int ENTRY_BYTES = 6;

    /** Bytes of lines at which a block is full, 64 KiB: reading one line reads its block. A longer line has one to itself. */
    static final int FULL_BYTES = 64 * 1024;

    private static final byte[] HEAD = "{\"index\":".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] SEQ = ",\"seq\":".getBytes(StandardCharsets.US_ASCII);
    /** Head, seq and the line feed; the two numbers come on top. */
    private static final int FRAME_BYTES = HEAD.length + SEQ.length + 1;

    private final byte[] directory;
    private final byte[] lines;
    private int size;

    private OutcomeLines(int outcomes, int lineBytes) {
        directory = new byte[outcomes * ENTRY_BYTES];
        lines = new byte[lineBytes];
    }

    /** The blocks for these outcomes of one segment, numbered from {@code firstSeq} in their order. */
    static List<OutcomeLines> blocks(List<OutcomeEntry> outcomes, int firstSeq) {
        List<OutcomeLines> blocks = new ArrayList<>(1);
        int begin = 0;
        int bytes = 0;
        for (int i = 0; i < outcomes.size(); i++) {
            OutcomeEntry outcome = outcomes.get(i);
            int length = FRAME_BYTES + digits(outcome.index()) + digits(firstSeq + i) + outcome.tail().length;
            if (i > begin && bytes + length > FULL_BYTES) {
                blocks.add(block(outcomes.subList(begin, i), firstSeq + begin, bytes));
                begin = i;
                bytes = 0;
            }
            bytes += length;
        }
        blocks.add(block(outcomes.subList(begin, outcomes.size()), firstSeq + begin, bytes));
        return blocks;
    }

    private static OutcomeLines block(List<OutcomeEntry> outcomes, int firstSeq, int bytes) {
        OutcomeLines block = new OutcomeLines(outcomes.size(), bytes);
        for (int i = 0; i < outcomes.size(); i++) {
            block.add(i, outcomes.get(i), firstSeq + i);
        }
        return block;
    }

    int count() {
        return count(directory);
    }

    byte[] directory() {
        return directory;
    }

    byte[] lines() {
        return lines;
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

    private void add(int entry, OutcomeEntry outcome, int seq) {
        int start = size;
        append(HEAD);
        appendNumber(outcome.index());
        append(SEQ);
        appendNumber(seq);
        append(outcome.tail());
        lines[size++] = '\n';
        int length = size - start;
        int at = entry * ENTRY_BYTES;
        directory[at] = (byte) (outcome.index() - outcome.segment().firstIndex());
        directory[at + 1] = (byte) outcome.state().code();
        directory[at + 2] = (byte) (length >>> 24);
        directory[at + 3] = (byte) (length >>> 16);
        directory[at + 4] = (byte) (length >>> 8);
        directory[at + 5] = (byte) length;
    }

    private void append(byte[] bytes) {
        System.arraycopy(bytes, 0, lines, size, bytes.length);
        size += bytes.length;
    }

    private void appendNumber(int number) {
        int digits = digits(number);
        int rest = number;
        for (int at = size + digits - 1; at >= size; at--) {
            lines[at] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        size += digits;
    }

    private static int digits(int number) {
        int digits = 1;
        for (int rest = number / 10; rest > 0; rest /= 10) {
            digits++;
        }
        return digits;
    }
}
