package io.conveyor.store;

import io.conveyor.job.JobState;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Makes result lines, as clients get them, of a block of outcomes. Written by hand, since it is done once a result and
 * the value must go in byte for byte. Thread-safe.
 */
final class ResultRenderer {

    private static final JsonMapper MAPPER = JsonMapper.shared();
    private static final byte[] INDEX = ascii("{\"index\":");
    private static final byte[] SEQ = ascii(",\"seq\":");
    private static final byte[] CUSTOM_ID = ascii(",\"custom_id\":");
    private static final byte[] OUTPUT = ascii("\",\"output\":");
    private static final byte[] ERROR = ascii("\",\"error\":");
    private static final byte[] ATTEMPTS = ascii(",\"attempts\":");
    private static final byte[] WAIT = ascii(",\"wait_ms\":");
    private static final byte[] ONE_ATTEMPT = ascii(",\"attempts\":1,\"wait_ms\":");
    private static final byte[] NO_ATTEMPT = ascii(",\"attempts\":0,\"ended_at\":\"");
    private static final byte[] CLOSE = ascii("\"}\n");
    private static final byte[] DURATION = ascii(",\"duration_ms\":");
    private static final byte[] STARTED = ascii(",\"started_at\":\"");
    private static final byte[] ENDED = ascii("\",\"ended_at\":\"");

    /** Bytes that are made room for beside value and names: more than all else in a line takes. */
    private static final int FRAME_BYTES = 256;

    /** Names kept with their bytes, at the most: kinds and threads are a few hundred, names that clients make are not kept. */
    private static final int KEPT_NAMES = 1024;

    /** From the kind to the value, by kind, of jobs that succeeded. */
    private final Map<String, byte[]> heads = new ConcurrentHashMap<>();

    /** The end of a line, by the name of the thread. */
    private final Map<String, byte[]> ends = new ConcurrentHashMap<>();

    /**
     * Lines one behind the other, each with its line feed.
     *
     * @param bytes the lines, or null if the values were not at hand; there may be unused bytes at the end
     * @param lengths bytes of each line, which are known in either case
     */
    record Lines(byte @Nullable [] bytes, int[] lengths) {}

    /**
     * The lines of a block.
     *
     * @param segment index of the first job of its segment
     * @param firstSeq completion number of its first outcome
     * @param values null to learn the lengths only
     */
    Lines render(int segment, int firstSeq, byte[] directory, byte[] facts, byte @Nullable [] values) {
        int count = OutcomeBlock.count(directory);
        int[] lengths = new int[count];
        Writing writing = new Writing(values == null ? FRAME_BYTES : values.length + count * FRAME_BYTES);
        OutcomeFacts.Cursor cursor = new OutcomeFacts.Cursor(facts);
        int next = 0;
        int offset = 0;
        int length = 0;
        int tail = 0;
        for (int entry = 0; entry < count; entry++) {
            cursor.next();
            int begin = values == null ? writing.restart() : writing.size;
            if (!cursor.hasSameValue()) {
                offset = next;
                length = OutcomeBlock.length(directory, entry);
                next += length;
            }
            writing.ensure(FRAME_BYTES);
            writing.add(INDEX).add(segment + OutcomeBlock.place(directory, entry));
            writing.add(SEQ).add(firstSeq + entry);
            addHead(writing, cursor, OutcomeBlock.state(directory, entry));
            if (values != null) {
                writing.ensure(FRAME_BYTES + length);
                writing.add(values, offset, length);
            }
            int tailBefore = tail;
            tail = writing.size;
            if (values != null && cursor.isAsBefore()) {
                writing.repeat(tailBefore, begin);
            } else {
                addTail(writing, cursor);
            }
            lengths[entry] = writing.size - begin + (values == null ? length : 0);
        }
        return new Lines(values == null ? null : writing.bytes, lengths);
    }

    private void addHead(Writing writing, OutcomeFacts.Cursor facts, JobState state) {
        String customId = facts.customId();
        if (customId != null) {
            writing.add(CUSTOM_ID).addName(string(customId));
        }
        if (state == JobState.SUCCEEDED) {
            if (!facts.kind().equals(writing.kind)) {
                writing.kind = facts.kind();
                writing.head = head(facts.kind());
            }
            writing.addName(writing.head);
        } else {
            writing.addName(head(facts.kind(), state, ERROR));
        }
    }

    private void addTail(Writing writing, OutcomeFacts.Cursor facts) {
        if (facts.attempts() == 0) {
            writing.add(NO_ATTEMPT).add(writing.ended.text(facts.endedAt())).add(CLOSE);
            return;
        }
        if (facts.attempts() == 1) {
            writing.add(ONE_ATTEMPT);
        } else {
            writing.add(ATTEMPTS).add(facts.attempts()).add(WAIT);
        }
        writing.add(facts.waitMillis());
        writing.add(DURATION).add(facts.durationMillis());
        writing.add(STARTED).add(writing.started.text(facts.startedAt()));
        writing.add(ENDED).add(writing.ended.text(facts.endedAt()));
        if (!facts.worker().equals(writing.worker)) {
            writing.worker = facts.worker();
            writing.end = end(facts.worker());
        }
        writing.addName(writing.end);
    }

    private byte[] head(String kind) {
        byte[] known = heads.get(kind);
        return known != null ? known : keep(heads, kind, head(kind, JobState.SUCCEEDED, OUTPUT));
    }

    private byte[] end(String worker) {
        byte[] known = ends.get(worker);
        return known != null
                ? known
                : keep(ends, worker, utf8(worker.isEmpty() ? "\"}\n" : "\",\"worker\":" + quoted(worker) + "}\n"));
    }

    private static byte[] keep(Map<String, byte[]> known, String name, byte[] bytes) {
        if (known.size() < KEPT_NAMES) {
            known.put(name, bytes);
        }
        return bytes;
    }

    private static byte[] head(String kind, JobState state, byte[] member) {
        String itsKind = kind.isEmpty() ? "" : ",\"kind\":" + quoted(kind);
        return utf8(itsKind + ",\"state\":\"" + state.wireName() + new String(member, StandardCharsets.US_ASCII));
    }

    /** As a JSON string. Most are plain, and a mapper costs more than the rest of the line. */
    private static String quoted(String text) {
        return isPlain(text) ? "\"" + text + "\"" : MAPPER.writeValueAsString(text);
    }

    private static byte[] string(String text) {
        return utf8(quoted(text));
    }

    private static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > '~' || c == '"' || c == '\\') {
                return false;
            }
        }
        return true;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The time that was written last, as RFC 3339 in UTC with milliseconds: many jobs come in one of them. Not thread-safe. */
    private static final class Moment {

        private long millis = Long.MIN_VALUE;
        private long second = Long.MIN_VALUE;
        private byte[] text = new byte[0];

        byte[] text(long wanted) {
            if (wanted != millis) {
                millis = wanted;
                long itsSecond = Math.floorDiv(wanted, 1000L);
                if (itsSecond != second) {
                    second = itsSecond;
                    String upToSecond = Instant.ofEpochSecond(itsSecond).toString();
                    text = ascii(upToSecond.substring(0, upToSecond.length() - 1) + ".000Z");
                }
                int rest = (int) Math.floorMod(wanted, 1000L);
                int z = text.length - 1;
                text[z - 3] = (byte) ('0' + rest / 100);
                text[z - 2] = (byte) ('0' + rest / 10 % 10);
                text[z - 1] = (byte) ('0' + rest % 10);
            }
            return text;
        }
    }

    /** Lines in the making. */
    private static final class Writing {

        private static final int MOST_DIGITS = 19;

        private final Moment started = new Moment();
        private final Moment ended = new Moment();
        private final byte[] digits = new byte[MOST_DIGITS];
        private byte[] bytes;
        private int size;

        /** The kind that was written last, and what it begins with; the worker and the end. Of a block, mostly the same. */
        private @Nullable String kind;

        private byte[] head = new byte[0];
        private @Nullable String worker;
        private byte[] end = new byte[0];

        Writing(int expected) {
            bytes = new byte[expected];
        }

        int restart() {
            size = 0;
            return 0;
        }

        /** Makes no room: {@link #ensure} before, for what is of limited length all at once. */
        Writing add(byte[] more) {
            return add(more, 0, more.length);
        }

        Writing add(byte[] more, int offset, int length) {
            System.arraycopy(more, offset, bytes, size, length);
            size += length;
            return this;
        }

        /** What is as long as somebody's name. */
        Writing addName(byte[] more) {
            ensure(FRAME_BYTES + more.length);
            return add(more);
        }

        /** Adds what stands between these two places. */
        void repeat(int from, int to) {
            ensure(to - from);
            System.arraycopy(bytes, from, bytes, size, to - from);
            size += to - from;
        }

        /** Call with 0 or more. */
        Writing add(long number) {
            long rest = number;
            int at = MOST_DIGITS;
            do {
                long tens = rest / 10;
                digits[--at] = (byte) ('0' + rest - tens * 10);
                rest = tens;
            } while (rest > 0);
            return add(digits, at, MOST_DIGITS - at);
        }

        private void ensure(int more) {
            if (bytes.length - size < more) {
                bytes = Arrays.copyOf(bytes, Math.max(size + more, bytes.length * 3 / 2));
            }
        }
    }
}
