package io.conveyor.belt;

import io.conveyor.job.Job;
import io.conveyor.job.JobError;
import io.conveyor.job.JobState;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
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

    /** Bytes of all that is not the output, roughly; the buffer grows if it is more. */
    private static final int FRAME_BYTES = 256;

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
        Buffer line = new Buffer(value.length + FRAME_BYTES);
        if (job.customId() != null) {
            addString(line.add(CUSTOM_ID), job.customId());
        }
        if (!job.kind().isEmpty()) {
            addString(line.add(KIND), job.kind());
        }
        line.add(STATE).add(ascii(outcome.state().wireName()));
        line.add(outcome.output() != null ? OUTPUT : ERROR).add(value);
        line.add(ATTEMPTS).add(run.attempts());
        line.add(WAIT).add(run.waitMillis());
        line.add(DURATION).add(run.durationMillis());
        addTime(line.add(STARTED), run.startedAt());
        addTime(line.add(ENDED), run.endedAt());
        addString(line.add(WORKER), run.worker()).add((byte) '}');
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
    private void addTime(Buffer line, long millis) {
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
    private static Buffer addString(Buffer line, String text) {
        return isPlain(text)
                ? line.add((byte) '"').add(ascii(text)).add((byte) '"')
                : line.add(MAPPER.writeValueAsBytes(text));
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

    /** Bytes that grow; a {@code ByteArrayOutputStream} without its lock. */
    private static final class Buffer {

        private byte[] bytes;
        private int size;

        Buffer(int capacity) {
            bytes = new byte[capacity];
        }

        Buffer add(byte[] more) {
            ensure(more.length);
            System.arraycopy(more, 0, bytes, size, more.length);
            size += more.length;
            return this;
        }

        Buffer add(byte one) {
            ensure(1);
            bytes[size++] = one;
            return this;
        }

        Buffer add(long number) {
            return add(ascii(Long.toString(number)));
        }

        byte[] bytes() {
            return size == bytes.length ? bytes : Arrays.copyOf(bytes, size);
        }

        private void ensure(int more) {
            if (bytes.length - size < more) {
                bytes = Arrays.copyOf(bytes, Math.max(size + more, 2 * bytes.length));
            }
        }
    }
}
