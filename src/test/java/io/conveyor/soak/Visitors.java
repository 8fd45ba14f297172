package io.conveyor.soak;

import io.conveyor.ledger.Calls;
import io.conveyor.ledger.Calls.Reply;
import io.conveyor.ledger.Load;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Clients beside those of the ledger: what they use is seldom or large there. Each turn belongs to one thread. */
final class Visitors {

    /** What the operator has set up for them. */
    static final List<String> OPTIONS = List.of(
            "--conveyor.callback.secret=whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            "--conveyor.commands.resident.program=bash",
            "--conveyor.commands.resident.args=resident.sh",
            "--conveyor.commands.resident.mode=resident",
            "--conveyor.commands.resident.recycle-after=40",
            "--conveyor.commands.resident.idle-timeout=700ms");

    /** Answers each line with itself, and dies of one that says so. */
    static final String RESIDENT = """
            while read -r line; do
              case "$line" in *die*) exit 3;; esac
              echo "$line"
            done
            """;

    private static final List<String> PAGES = List.of(
            "/v1",
            "/v1/job-kinds",
            "/v1/batches?limit=50",
            "/v1/batches?state=ended&limit=5",
            "/v1/batches?state=running",
            "/actuator/health",
            "/actuator/workerpool",
            "/actuator/metrics",
            "/v3/api-docs",
            "/problems/batch-not-found",
            "/readyz");

    /** Method, path, type, body: none of them is right. */
    private static final List<List<String>> MISTAKES = List.of(
            List.of("POST", "/v1/batches", "application/json", "{\"jobs\":["),
            List.of("POST", "/v1/batches", "application/json", "[{\"kind\":\"nobody-knows\"}]"),
            List.of("POST", "/v1/batches", "application/json", "[{\"kind\":\"echo\",\"max_attempts\":0}]"),
            List.of("POST", "/v1/batches", "application/x-www-form-urlencoded", "a=b"),
            List.of("POST", "/v1/batches?unknown=1", "application/json", "[]"),
            List.of("PUT", "/v1/batches/-bad-id", "application/json", "[]"),
            List.of("POST", "/v1/batches/nobody/cancel", "text/plain", ""),
            List.of("DELETE", "/v1/batches/nobody", "text/plain", ""),
            List.of("PATCH", "/v1/batches", "application/json", "{}"),
            List.of("GET", "/v1/batches?limit=many", "text/plain", ""),
            List.of("GET", "/nowhere/at/all", "text/plain", ""));

    private static final int LARGE = 8000;

    private final Load load;
    private final Calls calls;
    private final SplittableRandom random;

    // Mutable state
    private int large;

    private Visitors(Load load, SplittableRandom random) {
        this.load = load;
        this.calls = load.calls();
        this.random = random;
    }

    /** Adds all of them to a load that has not started. */
    static void add(Load load, SplittableRandom random) {
        load.add("looker", 800, new Visitors(load, random.split())::look, random);
        load.add("blunderer", 800, new Visitors(load, random.split())::blunder, random);
        load.add("caller", 2500, new Visitors(load, random.split())::callBack, random);
        load.add("resident", 1200, new Visitors(load, random.split())::resident, random);
        load.add("exchanger", 3000, new Visitors(load, random.split())::exchange, random);
        load.add("large", 40_000, new Visitors(load, random.split())::large, random);
        load.add("pager", 1500, new Visitors(load, random.split())::page, random);
        load.add("harm", 20_000, load.harm("harm", random.split()), random);
        for (int n = 1; n <= 2; n++) {
            load.add("leaver-" + n, 500, new Leaver(load.process(), load.calls(), random.split()), random);
        }
    }

    private void look() throws InterruptedException {
        String path = PAGES.get(random.nextInt(PAGES.size()));
        expect(path, calls.get(path), 2);
    }

    private void blunder() throws InterruptedException {
        List<String> mistake = MISTAKES.get(random.nextInt(MISTAKES.size()));
        String path = mistake.get(1);
        expect(path, calls.ask(mistake.get(0), path, mistake.get(3), "Content-Type", mistake.get(2)), 4);
    }

    /**
     * Seldom to somebody who is not there: each of these is tried a hundred times, and all of them together ten times a second
     * (the retry budget of a target), so that more than one in ten seconds would wait longer and longer.
     */
    private void callBack() throws InterruptedException {
        String url = random.nextInt(20) == 0 ? "http://127.0.0.1:9" : load.target();
        String body =
                "{\"jobs\":[{\"kind\":\"echo\"},{\"kind\":\"sleep\",\"input\":{\"ms\":5}}],\"callback\":{\"url\":\""
                        + url + "/callback/callback/0/10\"},\"then\":[{\"kind\":\"echo\",\"input\":{\"a\":1}}]}";
        submit(body);
    }

    /** One in twenty jobs ends its process. */
    private void resident() throws InterruptedException {
        String jobs = IntStream.range(0, random.nextInt(1, 20))
                .mapToObj(n -> random.nextInt(20) == 0 ? "\"die\"" : String.valueOf(n))
                .map(input -> "{\"kind\":\"command\",\"input\":{\"command\":\"resident\",\"stdin\":" + input + "}}")
                .collect(Collectors.joining(",", "[", "]"));
        submit(jobs);
    }

    private void submit(String body) throws InterruptedException {
        String preference = random.nextBoolean() ? "respond-async" : "wait=1";
        expect(
                "a batch",
                calls.ask("POST", "/v1/batches", body, "Content-Type", "application/json", "Prefer", preference),
                2);
    }

    /** Hands jobs in and reads their results on one connection; every other time it goes before they are through. */
    private void exchange() throws InterruptedException {
        String body = IntStream.range(0, random.nextInt(50, 400))
                .mapToObj(n -> "{\"kind\":\"hash\",\"input\":{\"text\":\"" + n + "\"}}\n")
                .collect(Collectors.joining());
        String order = random.nextBoolean() ? "?order=input" : "";
        InputStream results = calls.exchange("/v1/batches" + order, body);
        int most = random.nextBoolean() ? Integer.MAX_VALUE : random.nextInt(20);
        if (results == null) {
            return;
        }
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(results, StandardCharsets.UTF_8))) {
            for (int n = 0; n < most && lines.readLine() != null; n++) {
                // Read, and no more.
            }
        } catch (IOException e) {
            // The batch was cancelled, or its stream cut.
        }
    }

    private void large() throws InterruptedException {
        String body = IntStream.range(0, LARGE)
                .mapToObj(n -> "{\"kind\":\"echo\",\"input\":{\"n\":" + n + ",\"text\":\"" + "y".repeat(150) + "\"}}\n")
                .collect(Collectors.joining());
        String path = "/v1/batches/large-" + ++large;
        expect(path, calls.ask("PUT", path, body, "Content-Type", "application/x-ndjson"), 2);
    }

    /** Results as pages, and one of them by itself; what is gone is gone. */
    private void page() throws InterruptedException {
        String path = "/v1/batches/" + calls.someId(random);
        if (random.nextBoolean()) {
            calls.get(path + "/results?limit=100", "Accept", "application/json");
        } else {
            calls.get(path + "/results/" + random.nextInt(5) + "?wait=1");
        }
    }

    private static void expect(String what, Reply reply, int hundreds) {
        if (reply.status() / 100 != hundreds && reply.status() != 429) {
            throw new AssertionError(what + " was answered with " + reply);
        }
    }
}
