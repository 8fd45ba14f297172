package io.conveyor.belt;

import io.conveyor.job.Job;
import io.conveyor.job.JobError;
import io.conveyor.job.JobState;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes the part of a result line that the thread which ran the job can know: all but {@code index} and {@code seq},
 * which the store puts in front. Written by hand, since it is done once a job and the output must go in byte for byte.
 * Thread-safe.
 */
final class OutcomeEncoder {

    private static final JsonMapper MAPPER = JsonMapper.shared();
    private static final byte[] CUSTOM_ID = ascii(",\"custom_id\":");
    private static final byte[] KIND = ascii(",\"kind\":");
    private static final byte[] STATE = ascii(",\"state\":\"");
    private static final byte[] OUTPUT = ascii("\",\"output\":");
    private static final byte[] ERROR = ascii("\",\"error\":");
    private static final byte[] ATTEMPTS = ascii(",\"attempts\":");
    private static final byte[] WAIT = ascii(",\"wait_ms\":");
    private static final byte[] DURATION = ascii(",\"duration_ms\":");
    private static final byte[] STARTED = ascii(",\"started_at\":\"");
    private static final byte[] ENDED = ascii("\",\"ended_at\":\"");
    private static final byte[] WORKER = ascii("\",\"worker\":");
    private static final byte[] CLOSE = ascii("}");
    private static final byte[] NOTHING = new byte[0];

    /** Length of a time as {@link #addTime} writes it. */
    private static final int TIME_BYTES = "2026-01-01T00:00:00.000Z".length();

    /** Bytes of a line that never vary: with the pieces that do, its length is known before it is written. */
    private static final int FRAME_BYTES =
            ATTEMPTS.length + WAIT.length + DURATION.length + STARTED.length + ENDED.length + 2 * TIME_BYTES;

    /** Names kept with their bytes, at the most: kinds and threads are a few hundred, names that clients make are not kept. */
    private static final int KEPT_NAMES = 1024;

    /** From the kind to the output, by kind, of jobs that succeeded: their kinds are registered ones. */
    private final Map<String, byte[]> heads = new ConcurrentHashMap<>();

    /** The end of a line, by the name of the thread. */
    private final Map<String, byte[]> ends = new ConcurrentHashMap<>();

    /** The second that was written last: jobs come by the thousand in one second. Replaced as a whole. */
    private volatile Second lastSecond = new Second(Long.MIN_VALUE, new byte[0]);

    private record Second(long epochSecond, byte[] text) {}

    /**
     * What an attempt brought.
     *
     * @param state terminal state
     * @param output JSON value on one line, as {@code JobOutput} makes it, when it succeeded
     * @param error why there is none, when it did not
     */
    record Outcome(
            JobState state,
            byte @Nullable [] output,
            @Nullable JobError error) {}

    /**
     * When, where and how often a job ran.
     *
     * @param attempts attempts so far, this one included
     * @param waitMillis from the acceptance of the batch to the start
     * @param durationMillis time in the handler
     * @param startedAt milliseconds since the epoch
     * @param endedAt milliseconds since the epoch
     * @param worker name of the thread
     */
    record Run(int attempts, long waitMillis, long durationMillis, long startedAt, long endedAt, String worker) {}

    byte[] tail(Job job, Outcome outcome, Run run) {
        byte[] value = outcome.output() != null ? outcome.output() : error(job, outcome);
        byte[] customId = job.customId() == null ? NOTHING : string(job.customId());
        byte[] member = outcome.output() != null ? OUTPUT : ERROR;
        byte[] head = outcome.output() != null && outcome.state() == JobState.SUCCEEDED
                ? kept(heads, job.kind(), kind -> head(kind, JobState.SUCCEEDED, OUTPUT))
                : head(job.kind(), outcome.state(), member);
        byte[] end = kept(ends, run.worker(), worker -> join(WORKER, string(worker), CLOSE));
        int numbers = digits(run.attempts()) + digits(run.waitMillis()) + digits(run.durationMillis());
        int idBytes = job.customId() == null ? 0 : CUSTOM_ID.length + customId.length;
        Line line = new Line(idBytes + head.length + value.length + FRAME_BYTES + numbers + end.length);
        if (job.customId() != null) {
            line.add(CUSTOM_ID).add(customId);
        }
        line.add(head).add(value);
        line.add(ATTEMPTS).add(run.attempts());
        line.add(WAIT).add(run.waitMillis());
        line.add(DURATION).add(run.durationMillis());
        addTime(line.add(STARTED), run.startedAt());
        addTime(line.add(ENDED), run.endedAt());
        return line.add(end).bytes();
    }

    /** The bytes for a name, made once as a rule. */
    private static byte[] kept(Map<String, byte[]> known, String name, Function<String, byte[]> maker) {
        byte[] bytes = known.get(name);
        if (bytes == null) {
            bytes = maker.apply(name);
            if (known.size() < KEPT_NAMES) {
                known.put(name, bytes);
            }
        }
        return bytes;
    }

    private static byte[] head(String kind, JobState state, byte[] member) {
        byte[] standing = join(STATE, ascii(state.wireName()), member);
        return kind.isEmpty() ? standing : join(KIND, string(kind), standing);
    }

    private static byte[] join(byte[]... parts) {
        int length = 0;
        for (byte[] part : parts) {
            length += part.length;
        }
        Line line = new Line(length);
        for (byte[] part : parts) {
            line.add(part);
        }
        return line.bytes();
    }

    private static byte[] error(Job job, Outcome outcome) {
        byte[] known = job.problem();
        if (known != null) {
            return known;
        }
        JobError error = outcome.error();
        if (error == null) {
            return ascii("null");
        }
        return MAPPER.writeValueAsBytes(error.members());
    }

    /** RFC 3339 in UTC with milliseconds. */
    private void addTime(Line line, long millis) {
        long epochSecond = Math.floorDiv(millis, 1000L);
        Second second = lastSecond;
        if (second.epochSecond() != epochSecond) {
            String text = Instant.ofEpochSecond(epochSecond).toString();
            second = new Second(epochSecond, ascii(text.substring(0, text.length() - 1) + "."));
            lastSecond = second;
        }
        int rest = (int) Math.floorMod(millis, 1000L);
        line.add(second.text())
                .add((byte) ('0' + rest / 100))
                .add((byte) ('0' + rest / 10 % 10))
                .add((byte) ('0' + rest % 10))
                .add((byte) 'Z');
    }

    /** As a JSON string. Names of threads and of jobs are plain as a rule, and a mapper costs more than the whole line. */
    private static byte[] string(String text) {
        return isPlain(text) ? ascii("\"" + text + "\"") : MAPPER.writeValueAsBytes(text);
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

    /** Call with 0 or more. */
    private static int digits(long number) {
        int digits = 1;
        for (long rest = number / 10; rest > 0; rest /= 10) {
            digits++;
        }
        return digits;
    }

    /** Bytes that are filled from the left, to the last one. */
    private static final class Line {

        private final byte[] bytes;
        private int size;

        Line(int length) {
            bytes = new byte[length];
        }

        Line add(byte[] more) {
            System.arraycopy(more, 0, bytes, size, more.length);
            size += more.length;
            return this;
        }

        Line add(byte one) {
            bytes[size++] = one;
            return this;
        }

        Line add(long number) {
            size += digits(number);
            long rest = number;
            for (int at = size - 1; at == size - 1 || rest > 0; at--) {
                bytes[at] = (byte) ('0' + rest % 10);
                rest /= 10;
            }
            return this;
        }

        byte[] bytes() {
            if (size != bytes.length) {
                throw new IllegalStateException("The line has " + size + " bytes and not " + bytes.length);
            }
            return bytes;
        }
    }
}
