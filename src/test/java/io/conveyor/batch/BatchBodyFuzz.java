package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.conveyor.fuzz.FuzzInput;
import io.conveyor.fuzz.Pieces;
import io.conveyor.job.BatchRules;
import io.conveyor.job.Job;
import io.conveyor.web.ApiException;
import io.conveyor.web.Problem;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Attacks the readers of batches ({@link BatchParser}, {@link LineParser}, {@link FirstLook}): what they make of a body must be
 * what the rules say, told by a reader of its own ({@link JsonTree}); the jobs that they take say what was sent; a refusal is
 * one of the documented problems; neither depends on the pieces in which the body comes; and memory is taken in proportion to
 * what was sent.
 *
 * <p>An input: the form (0 JSON, 1 NDJSON, 2 of no declared type), the plan of the pieces, the most jobs (number + 1), the most bytes
 * of a job (64 times that), the body, in which the bytes 1 to 4 stand for 700 letters, 300 digits, 40 opening and 40 closing
 * brackets.
 */
public final class BatchBodyFuzz {

    private static final Set<String> KINDS = new LinkedHashSet<>(List.of("echo", "hash"));
    private static final List<String> JOB_FIELDS =
            List.of("kind", "input", "custom_id", "timeout_ms", "max_attempts", "metadata");
    private static final JsonMapper MAPPER = JsonMapper.shared();
    private static final ThreadMXBean MEMORY = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Bytes that a reading may take in all: buffers, and so much for each byte sent (a wrong field is explained in a sentence). */
    private static final long MEMORY_AT_FIRST = 4 << 20;

    private static final long MEMORY_A_BYTE = 4096;

    /** For each line: one that is no job is read a second time, by a parser with buffers of its own. */
    private static final long MEMORY_A_LINE = 256 * 1024;

    /** A problem that a line becomes; ten sentences, and names of 64 characters. */
    private static final int MOST_PROBLEM_BYTES = 20_000;

    private static final int MOST_BYTES = 100_000;
    private static final BigInteger DAY = BigInteger.valueOf(86_400_000);
    private static final BigInteger MOST_ATTEMPTS = BigInteger.valueOf(BatchRules.MAX_ATTEMPTS);

    private final byte[] body;
    private final int plan;
    private final int maxJobs;
    private final int maxJobSize;

    private BatchBodyFuzz(FuzzInput input) {
        body = stretched(input.body());
        plan = input.number(1);
        maxJobs = input.number(2) + 1;
        maxJobSize = 64 * (input.number(3) + 1);
    }

    /** For the fuzzer. */
    public static void fuzzerTestOneInput(byte[] data) throws IOException {
        attack(data);
    }

    /** Returns in a word what became of it. */
    public static String attack(byte[] data) throws IOException {
        FuzzInput input = new FuzzInput(data, 4);
        BatchBodyFuzz fuzz = new BatchBodyFuzz(input);
        return switch (input.number(0) % 3) {
            case 0 -> fuzz.json();
            case 1 -> fuzz.lines();
            default -> fuzz.look();
        };
    }

    private static byte[] stretched(byte[] body) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte b : body) {
            if (b < 1 || b > 4 || all.size() > MOST_BYTES) {
                all.write(b);
            } else {
                byte[] run = new byte[new int[] {700, 300, 40, 40}[b - 1]];
                Arrays.fill(run, (byte) "x9[]".charAt(b - 1));
                all.writeBytes(run);
            }
        }
        return all.toByteArray();
    }

    /** What came of a body: jobs and what was said of them together, or a refusal. */
    private record Outcome(@Nullable ApiException refusal, List<Job> jobs, String said) {

        String text() {
            StringBuilder text = new StringBuilder(said);
            for (Job job : jobs) {
                text.append('\n').append(textOf(job));
            }
            return text.toString();
        }
    }

    private interface Reading {
        String of(InputStream body, JobSink jobs) throws IOException;
    }

    private static Outcome outcome(Reading reading, InputStream body) throws IOException {
        List<Job> jobs = new ArrayList<>();
        try {
            return new Outcome(null, jobs, reading.of(body, jobs::add));
        } catch (ApiException e) {
            return new Outcome(e, List.of(), e.problem() + " " + e.detail() + " " + e.extensions());
        }
    }

    /** Reads it at once and in pieces; what comes of it must be the same, and cost no more than it may. */
    private Outcome outcome(Reading reading) throws IOException {
        long before = MEMORY.getCurrentThreadAllocatedBytes();
        Outcome whole = outcome(reading, new Pieces(body, 0));
        if (MEMORY.getCurrentThreadAllocatedBytes() - before > mostMemory()) {
            // Once more: the first time classes may have been loaded, and changed by the fuzzer, on this thread.
            before = MEMORY.getCurrentThreadAllocatedBytes();
            outcome(reading, new Pieces(body, 0));
            assertThat(MEMORY.getCurrentThreadAllocatedBytes() - before)
                    .as("bytes of memory")
                    .isLessThan(mostMemory());
        }
        assertThat(outcome(reading, new Pieces(body, plan)).text())
                .as("in pieces of plan %d", plan)
                .isEqualTo(whole.text());
        assertThat(whole.jobs()).hasSizeLessThanOrEqualTo(maxJobs);
        for (int index = 0; index < whole.jobs().size(); index++) {
            assertThat(whole.jobs().get(index).index()).isEqualTo(index);
        }
        return whole;
    }

    private long mostMemory() {
        long lines = 1;
        for (byte b : body) {
            lines += b == '\n' ? 1 : 0;
        }
        return MEMORY_AT_FIRST + MEMORY_A_BYTE * body.length + MEMORY_A_LINE * lines;
    }

    private String json() throws IOException {
        FollowerReader followers = new FollowerReader(KINDS, maxJobSize, (url, secret) -> Optional.empty());
        BatchParser parser = new BatchParser(KINDS, maxJobs, maxJobSize, followers);
        Outcome outcome = outcome((in, jobs) -> {
            ParsedBatch batch = parser.parse(in, jobs);
            return batch.envelope().said() + " " + batch.total() + " "
                    + HexFormat.of().formatHex(batch.digest());
        });
        JsonTree tree = JsonTree.read(body);
        if (outcome.refusal() == null) {
            assertTaken(outcome, Objects.requireNonNull(tree, "what was taken is no JSON"));
            return "taken";
        }
        Problem problem = outcome.refusal().problem();
        assertThat(problem).isIn(Problem.MALFORMED_JSON, Problem.VALIDATION_FAILED, Problem.TOO_MANY_JOBS);
        if (problem == Problem.MALFORMED_JSON) {
            assertThat(tree).as("%s: of what is JSON", outcome.said()).isNull();
            assertThat(outcome.refusal().extensions()).containsKeys("line", "column");
        }
        if (tree instanceof JsonTree.Elements array) {
            boolean tooMany = array.all().size() > maxJobs;
            assertThat(problem == Problem.TOO_MANY_JOBS).as(outcome.said()).isEqualTo(tooMany);
            assertThat(tooMany || !array.all().stream().allMatch(this::isJob))
                    .as("a reason for %s", outcome.said())
                    .isTrue();
        }
        return problem.slug();
    }

    private void assertTaken(Outcome outcome, JsonTree tree) {
        JsonTree jobs = tree instanceof JsonTree.Fields envelope ? envelope.get("jobs") : tree;
        assertThat(jobs).isInstanceOf(JsonTree.Elements.class);
        List<JsonTree> sent = ((JsonTree.Elements) Objects.requireNonNull(jobs)).all();
        assertThat(outcome.jobs()).hasSize(sent.size());
        for (int index = 0; index < sent.size(); index++) {
            assertSame(outcome.jobs().get(index), sent.get(index));
        }
        if (tree instanceof JsonTree.Fields envelope) {
            assertThat(envelope.hasOnly(BatchParser.FIELDS))
                    .as("known fields, once each")
                    .isTrue();
        }
    }

    private String lines() throws IOException {
        List<LineSplitterFuzz.Line> sent = LineSplitterFuzz.naive(body, maxJobSize);
        LineParser parser = new LineParser(KINDS, maxJobs, maxJobSize);
        Outcome outcome = outcome((in, jobs) -> String.valueOf(parser.parse(in, jobs)));
        if (outcome.refusal() != null) {
            assertThat(outcome.refusal().problem()).isEqualTo(Problem.TOO_MANY_JOBS);
            assertThat(sent).hasSizeGreaterThan(maxJobs);
            return "too-many-jobs";
        }
        assertThat(outcome.jobs()).hasSize(sent.size());
        boolean refused = false;
        for (int index = 0; index < sent.size(); index++) {
            Job job = outcome.jobs().get(index);
            LineSplitterFuzz.Line line = sent.get(index);
            JsonTree tree = JsonTree.read(line.text().getBytes(StandardCharsets.ISO_8859_1));
            boolean good = !line.tooLong() && tree != null && isJob(tree);
            assertThat(job.problem() == null).as("line %s is a job", line).isEqualTo(good);
            if (good) {
                assertSame(job, Objects.requireNonNull(tree));
            } else {
                assertProblem(Objects.requireNonNull(job.problem()), line);
                refused = true;
            }
        }
        return refused ? "lines-refused" : "lines-taken";
    }

    private static void assertProblem(byte[] problem, LineSplitterFuzz.Line line) {
        assertThat(problem).as("of line %s", line).hasSizeLessThan(MOST_PROBLEM_BYTES);
        JsonNode json = MAPPER.readTree(problem);
        assertThat(json.at("/type").asString()).isIn("/problems/invalid-job", "/problems/unknown-kind");
        assertThat(json.at("/line").asLong()).isEqualTo(line.number());
        assertThat(json.at("/detail").asString()).isNotBlank();
    }

    /** What is found out about a body of no declared type depends on what it is, and nothing of it gets lost on the way. */
    private String look() throws IOException {
        String[] found = new String[2];
        for (int n = 0; n < found.length; n++) {
            try {
                FirstLook look = FirstLook.at(new Pieces(body, n == 0 ? 0 : plan));
                found[n] = look.lines() ? "looks-like-lines" : "looks-like-json";
                assertThat(look.body().readAllBytes()).isEqualTo(body);
            } catch (ApiException e) {
                assertThat(body).startsWith((byte) 0x1f, (byte) 0x8b);
                found[n] = "gzip";
            }
        }
        assertThat(found[1]).as("in pieces of plan %d", plan).isEqualTo(found[0]);
        return found[0];
    }

    /** The rules of a job, as the contract has them. */
    private boolean isJob(JsonTree tree) {
        return tree instanceof JsonTree.Fields job
                && job.hasOnly(JOB_FIELDS)
                && job.bytes() <= maxJobSize
                && job.get("kind") instanceof JsonTree.Scalar kind
                && kind.type() == JsonToken.VALUE_STRING
                && KINDS.contains(kind.text())
                && isCustomId(job.get("custom_id"))
                && isInteger(job.get("timeout_ms"), DAY)
                && isInteger(job.get("max_attempts"), MOST_ATTEMPTS);
    }

    private static boolean isCustomId(@Nullable JsonTree tree) {
        if (tree == null) {
            return true;
        }
        if (!(tree instanceof JsonTree.Scalar scalar) || scalar.type() != JsonToken.VALUE_STRING) {
            return false;
        }
        int length = scalar.text().codePointCount(0, scalar.text().length());
        boolean whole = scalar.text().codePoints().noneMatch(c -> c <= 0xffff && Character.isSurrogate((char) c));
        return whole && length >= 1 && length <= 64;
    }

    private static boolean isInteger(@Nullable JsonTree tree, BigInteger most) {
        if (tree == null) {
            return true;
        }
        if (!(tree instanceof JsonTree.Scalar scalar) || scalar.type() != JsonToken.VALUE_NUMBER_INT) {
            return false;
        }
        BigInteger value = new BigInteger(scalar.text());
        return value.signum() > 0 && value.compareTo(most) <= 0;
    }

    /** The job says what was sent, field by field. */
    private void assertSame(Job job, JsonTree tree) {
        assertThat(isJob(tree)).as("a job that was taken: %s", tree).isTrue();
        JsonTree.Fields sent = (JsonTree.Fields) tree;
        assertThat(sent.get("kind")).isEqualTo(new JsonTree.Scalar(JsonToken.VALUE_STRING, job.kind()));
        assertThat(textOf(sent.get("custom_id"))).isEqualTo(job.customId());
        assertThat(textOf(sent.get("timeout_ms"))).isEqualTo(said(job.timeoutMillis()));
        assertThat(textOf(sent.get("max_attempts"))).isEqualTo(said(job.maxAttempts()));
        assertThat(treeOf(job.input())).isEqualTo(sent.get("input"));
        assertThat(treeOf(job.metadata())).isEqualTo(sent.get("metadata"));
    }

    private static @Nullable String textOf(@Nullable JsonTree tree) {
        return tree instanceof JsonTree.Scalar scalar ? scalar.text() : null;
    }

    private static @Nullable String said(long number) {
        return number == 0 ? null : Long.toString(number);
    }

    private static @Nullable JsonTree treeOf(byte @Nullable [] json) {
        if (json == null) {
            return null;
        }
        String text = new String(json, StandardCharsets.UTF_8);
        assertThat(text).as("fits on a line").doesNotContain("\n", "\r");
        return Objects.requireNonNull(JsonTree.read(json), "what was taken is no JSON");
    }

    private static String textOf(Job job) {
        return job.index() + " " + job.kind() + " " + job.customId() + " " + job.timeoutMillis() + " "
                + job.maxAttempts() + " " + textOf(job.metadata()) + " " + textOf(job.input()) + " "
                + textOf(job.problem());
    }

    private static String textOf(byte @Nullable [] bytes) {
        return bytes == null ? "-" : new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
