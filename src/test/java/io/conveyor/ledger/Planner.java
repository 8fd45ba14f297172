package io.conveyor.ledger;

import io.conveyor.ledger.Plan.Form;
import io.conveyor.ledger.Plan.Options;
import io.conveyor.ledger.PlannedJob.Sort;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Draws batches; what one draws follows from its seed. Not thread-safe. */
final class Planner {

    /** Milliseconds that a job may take that must run out of time. */
    private static final int SHORT_TIMEOUT = 400;

    /** Milliseconds that most calls take. */
    private static final int LONGEST_CALL = 60;

    private final SplittableRandom random;
    private final String prefix;
    private final String target;

    // Mutable state
    private int drawn;

    /**
     * @param prefix sets the keys apart from those of all others
     * @param target where the target listens, without a slash at the end
     */
    Planner(SplittableRandom random, String prefix, String target) {
        this.random = random;
        this.prefix = prefix;
        this.target = target;
    }

    /** A few jobs of all sorts, as JSON. */
    Plan mixed() {
        String key = key();
        int size = random.nextInt(6) == 0 ? random.nextInt(20, 60) : random.nextInt(1, 9);
        List<PlannedJob> jobs =
                IntStream.range(0, size).mapToObj(index -> any(key, index)).toList();
        return new Plan(key, Form.JSON, random.nextBoolean(), jobs, options());
    }

    /** Many small jobs, a line each, some of them lines that are no jobs. */
    Plan lines() {
        String key = key();
        int size = random.nextInt(100, 1200);
        Form form = random.nextInt(3) == 0 ? Form.LIVE : Form.LINES;
        List<PlannedJob> jobs = IntStream.range(0, size)
                .mapToObj(index -> switch (random.nextInt(200)) {
                    case 0 -> new PlannedJob(Sort.INVALID, "{\"kind\":\"echo\",", "invalid-job");
                    case 1 -> hash(key, index);
                    case 2 -> call(key, index, 5);
                    default -> echo(key, index);
                })
                .toList();
        return new Plan(key, form, true, jobs, Options.NONE);
    }

    /** Calls of some length that fill the crew, the queue and the permits when many submit them. */
    Plan crowd() {
        String key = key();
        List<PlannedJob> jobs =
                IntStream.range(0, 10).mapToObj(index -> call(key, index, 40)).toList();
        return new Plan(key, Form.JSON, true, jobs, Options.NONE);
    }

    /** Long calls, so that a fault meets some. */
    Plan slow() {
        String key = key();
        List<PlannedJob> jobs = IntStream.range(0, 3)
                .mapToObj(index -> call(key, index, 1500 + random.nextInt(1500)))
                .toList();
        return new Plan(key, Form.JSON, true, jobs, Options.NONE);
    }

    /** Jobs that do harm of one sort each. */
    Plan harmful(Sort sort) {
        String key = key();
        List<PlannedJob> jobs =
                IntStream.range(0, 3).mapToObj(index -> job(sort, key, index)).toList();
        return new Plan(key, Form.JSON, true, jobs, Options.NONE);
    }

    private String key() {
        return prefix + "-" + ++drawn;
    }

    private Options options() {
        return switch (random.nextInt(10)) {
            case 0 -> new Options(random.nextInt(50, 1500), 0, -1, 0, false);
            case 1 -> new Options(0, random.nextInt(2, 5), -1, 0, false);
            case 2 -> new Options(0, 0, random.nextInt(2), 0, random.nextBoolean());
            case 3 -> new Options(0, 0, -1, random.nextInt(1, 3), false);
            case 4 -> new Options(0, 2, -1, 0, true);
            default -> Options.NONE;
        };
    }

    private PlannedJob any(String key, int index) {
        return switch (random.nextInt(40)) {
            case 0 -> job(Sort.HANG, key, index);
            case 1, 2 -> job(Sort.FLAKY, key, index);
            case 3, 4 -> job(Sort.PROGRAM, key, index);
            case 5 -> job(Sort.SLEEP, key, index);
            case 6, 7, 8, 9 -> hash(key, index);
            case 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 -> echo(key, index);
            default -> call(key, index, random.nextInt(LONGEST_CALL));
        };
    }

    private PlannedJob job(Sort sort, String key, int index) {
        return switch (sort) {
            case ECHO -> echo(key, index);
            case HASH -> hash(key, index);
            case CALL -> call(key, index, LONGEST_CALL);
            case SLEEP -> {
                int millis = random.nextInt(200);
                yield new PlannedJob(sort, json("sleep", "{\"ms\":" + millis + "}"), "{\"slept_ms\":" + millis + "}");
            }
            case FLAKY -> new PlannedJob(sort, http("flaky", key, index, 5, ""), answer(key, index));
            case HANG, TRICKLE ->
                new PlannedJob(
                        sort,
                        http(sort == Sort.HANG ? "hang" : "trickle", key, index, 0, "")
                                .replaceFirst("}$", ",\"timeout_ms\":" + SHORT_TIMEOUT + "}"),
                        "job-timeout");
            case LOOP -> new PlannedJob(sort, http("loop", key, index, 0, ",\"follow_redirects\":true"), "job-failed");
            case PROGRAM -> new PlannedJob(sort, program("mark", key, index), answer(key, index));
            case FORK -> new PlannedJob(sort, program("fork", key, index), answer(key, index));
            case FLOOD -> new PlannedJob(sort, program("flood", key, index), "job-failed");
            case STUBBORN -> new PlannedJob(sort, json("stubborn", "1200"), "1200");
            case INVALID -> throw new IllegalArgumentException("Only a line can be no job");
        };
    }

    /** Numbers that no double holds: the bytes come back, not what some parser made of them. */
    private PlannedJob echo(String key, int index) {
        String value = "{\"of\":\"" + key + "\",\"index\":" + index + ",\"n\":1.10,\"big\":1234567890123456789"
                + random.nextInt(10) + ",\"s\":\"\u00fc" + "x".repeat(random.nextInt(100)) + "\"}";
        return new PlannedJob(Sort.ECHO, json("echo", value), value);
    }

    private static PlannedJob hash(String key, int index) {
        String text = key + "-" + index;
        return new PlannedJob(
                Sort.HASH, json("hash", "{\"text\":\"" + text + "\"}"), "{\"hex\":\"" + sha256(text) + "\"}");
    }

    private PlannedJob call(String key, int index, int millis) {
        return new PlannedJob(Sort.CALL, http("call", key, index, millis, ""), answer(key, index));
    }

    private String http(String what, String key, int index, int millis, String more) {
        String url = target + "/" + what + "/" + key + "/" + index + "/" + millis;
        return json("http", "{\"url\":\"" + url + "\"" + more + "}");
    }

    private static String program(String command, String key, int index) {
        return json("command", "{\"command\":\"" + command + "\",\"args\":[\"" + key + "\",\"" + index + "\"]}");
    }

    private static String json(String kind, String input) {
        return "{\"kind\":\"" + kind + "\",\"input\":" + input + "}";
    }

    /** What the target answers, and a program prints. */
    static String answer(String key, int index) {
        return "{\"of\":\"" + key + "\",\"index\":" + index + "}";
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
