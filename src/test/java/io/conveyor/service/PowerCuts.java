package io.conveyor.service;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.service.CutBook.Claims;
import io.conveyor.service.CutBook.Known;
import io.conveyor.service.SystemCalls.Call;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * Power cuts of the service, without a switch: what it did to its disk under load is recorded once, and replayed up to one
 * moment after the other, each time on a {@link CutDisk} that loses its power there. The service starts on what is left, and
 * is held to all that its clients had heard by then. One thread.
 */
final class PowerCuts {

    private static final List<String> SHORT_LIVED = List.of("-XX:+UseSerialGC");

    private static final List<String> OPTIONS = List.of("--conveyor.pool.workers=8");

    /** Calls between an acknowledgement and the cut that is to come straight after it, at the most. */
    private static final int CLOSE = 6;

    /** What a start after a cut may show of what was promised. */
    enum Fault {
        /** The service does not start, or its file is not whole. */
        BROKEN,
        /** A batch that was acknowledged is not there. */
        LOST,
        /** A batch that was deleted is there again, or one that nobody sent. */
        BACK,
        /** A batch is there in part, or twice, or does not end as it should, or what was cancelled goes on. */
        WRONG,
        /** Something that a client had read reads otherwise. */
        CHANGED
    }

    /** A fault, in words. */
    record Finding(Fault fault, String text) {}

    private final Path directory;
    private final Path root;
    private final ServiceProcess.Launch launch;
    private final List<String> jvmFlags;
    private final List<Call> calls;
    private final CutBook book;
    private final List<Integer> checkpoints;

    // Counts for the report
    private int cuts;
    private int checked;
    private int linesCompared;
    private int faulty;
    private final Map<Fault, Integer> faults = new TreeMap<>();

    private PowerCuts(Path directory, Starter starter, Path root, List<Call> calls, CutBook book) {
        this.directory = directory;
        this.root = root;
        launch = starter.launch();
        jvmFlags = starter.jvmFlags();
        this.calls = calls;
        this.book = book;
        checkpoints = moments(call -> call.name().equals("fsync") && call.path().endsWith("conveyor.db"));
    }

    /** How the service is started after a cut. */
    record Starter(ServiceProcess.Launch launch, List<String> jvmFlags) {

        /** The jar as it is. */
        static Starter of(Path jar) {
            return new Starter(new ServiceProcess.Launch(List.of(), jar), SHORT_LIVED);
        }

        /** The jar unpacked by its own tool and with an archive of its classes, as in a container: in half the time. */
        static Starter unpacked(Path jar, Path place) throws IOException, InterruptedException {
            Path java = Path.of(System.getProperty("java.home"), "bin", "java");
            Process extract = new ProcessBuilder(
                            java.toString(), "-Djarmode=tools", "-jar", jar.toString(), "extract", "--destination", "x")
                    .directory(Files.createDirectory(place).toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(place.resolve("extract.log").toFile())
                    .start();
            assertThat(extract.waitFor()).as("extract").isZero();
            ServiceProcess.Launch launch =
                    new ServiceProcess.Launch(List.of(), place.resolve("x").resolve(jar.getFileName()));
            Path archive = place.resolve("classes.jsa");
            List<String> training = flags("-XX:ArchiveClassesAtExit=" + archive);
            try (ServiceProcess service = ServiceProcess.spawn(launch, place, training, OPTIONS)) {
                service.awaitReady().submit("[{\"kind\":\"echo\"}]");
                assertThat(service.terminate()).isEqualTo(ServiceProcess.TERMINATED);
            }
            return new Starter(launch, flags("-XX:SharedArchiveFile=" + archive));
        }

        private static List<String> flags(String more) {
            return Stream.concat(SHORT_LIVED.stream(), Stream.of(more)).toList();
        }
    }

    /** Runs the service under load and records it from its first start on. */
    static PowerCuts record(Path directory, Path jar, Starter starter, int requests, SplittableRandom random)
            throws IOException, InterruptedException {
        Path root = Files.createDirectory(directory.resolve("recorded")).toRealPath();
        Path recording = directory.resolve("calls");
        ServiceProcess.Launch recorded = new ServiceProcess.Launch(SystemCalls.recordTo(recording), jar);
        List<CutLoad.Exchange> exchanges;
        try (ServiceProcess service = ServiceProcess.spawn(recorded, root, SHORT_LIVED, OPTIONS)) {
            service.awaitReady();
            ProcessHandle tracer = tracer(service.pid());
            exchanges = new CutLoad(service, requests, random).run();
            service.killHard();
            tracer.onExit().join();
        }
        String data = root.resolve("data").toString();
        List<Call> calls = SystemCalls.read(
                recording, path -> path.equals(root.toString()) || path.equals(data) || path.startsWith(data + "/"));
        Files.delete(recording);
        return new PowerCuts(directory, starter, root, calls, CutBook.of(exchanges, calls));
    }

    /** The process that records another; it goes on for a moment after the other has ended. */
    private static ProcessHandle tracer(long pid) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/status"))) {
            String line = lines.filter(each -> each.startsWith("TracerPid:"))
                    .findFirst()
                    .orElseThrow();
            return ProcessHandle.of(
                            Long.parseLong(line.substring("TracerPid:".length()).strip()))
                    .orElseThrow();
        }
    }

    /** Ends of calls that came after the first answer. */
    private List<Integer> moments(Predicate<Call> which) {
        return calls.stream()
                .filter(call -> call.begin() > book.firstAnswer() && call.succeeded() && which.test(call))
                .map(Call::end)
                .toList();
    }

    /** How often the log was folded into the database while there were clients. */
    int checkpoints() {
        return checkpoints.size();
    }

    /** A moment of the recording: most often straight after an answer, else around a checkpoint, or any. */
    private int moment(SplittableRandom random) {
        List<Integer> answers = book.acknowledgements();
        int kind = random.nextInt(10);
        if (kind < 6) {
            return answers.get(random.nextInt(answers.size())) + random.nextInt(CLOSE);
        }
        if (kind < 8 && !checkpoints.isEmpty()) {
            return checkpoints.get(random.nextInt(checkpoints.size())) - random.nextInt(1500);
        }
        return 1 + random.nextInt(calls.get(calls.size() - 1).begin());
    }

    /** Cuts the power at a moment that the seed says; what came of it. */
    List<Finding> cut(long seed) throws IOException, InterruptedException {
        SplittableRandom random = new SplittableRandom(seed);
        return cut(moment(random), path -> true, random);
    }

    /**
     * Cuts the power straight after an answer, on a disk that has not flushed the log when it said so. The answer comes before the first
     * checkpoint, which would save what the log has lost.
     */
    List<Finding> cutALyingDisk(long seed) throws IOException, InterruptedException {
        SplittableRandom random = new SplittableRandom(seed);
        int folded = calls.stream()
                .filter(call -> call.name().equals("pwrite64") && call.path().endsWith("conveyor.db"))
                .mapToInt(Call::begin)
                .filter(begin -> begin > book.firstAnswer())
                .min()
                .orElse(Integer.MAX_VALUE);
        List<Integer> answers = book.acknowledgements().stream()
                .filter(answer -> answer < folded)
                .toList();
        return cut(answers.get(random.nextInt(answers.size())), path -> !path.endsWith("-wal"), random);
    }

    private List<Finding> cut(int moment, Predicate<String> flushes, SplittableRandom random)
            throws IOException, InterruptedException {
        Path place = Files.createDirectory(directory.resolve("cut-" + ++cuts));
        CutDisk disk = new CutDisk(root, flushes);
        disk.play(calls, moment);
        String losses = disk.leave(place, random);
        List<Finding> findings = new ArrayList<>();
        try (ServiceProcess service = ServiceProcess.spawn(launch, place, jvmFlags, OPTIONS)) {
            service.awaitReady();
            check(service, book.at(moment), findings);
            service.killHard();
            if (!service.trouble().isEmpty()) {
                findings.add(new Finding(Fault.BROKEN, String.join("\n", service.trouble())));
            }
            examine(place, findings);
        } catch (RuntimeException e) {
            findings.add(new Finding(Fault.BROKEN, "The service does not start: " + e));
        }
        delete(place);
        if (!findings.isEmpty()) {
            faulty++;
            findings.forEach(finding -> faults.merge(finding.fault(), 1, Integer::sum));
            System.out.printf("Cut %d at %d (%s): %s%n", cuts, moment, losses, findings.get(0));
        }
        return findings;
    }

    private void check(ServiceProcess service, Map<String, Claims> batches, List<Finding> findings)
            throws IOException, InterruptedException {
        Instant started = Instant.now();
        Map<String, String> listed = listAll(service);
        for (String id : CutBook.mustBeThere(batches)) {
            if (!listed.containsKey(id)) {
                findings.add(new Finding(Fault.LOST, id));
            }
        }
        if (listed.values().stream().distinct().count() < listed.size()) {
            findings.add(new Finding(Fault.WRONG, "A batch is there twice: " + listed.values()));
        }
        for (Map.Entry<String, String> batch : listed.entrySet()) {
            Claims claims = batches.get(batch.getKey());
            if (claims == null || claims.submitted == Known.NO || claims.deleted == Known.YES) {
                findings.add(new Finding(Fault.BACK, batch.toString()));
            } else {
                checked++;
                examine(service, batch.getKey(), claims, started, findings);
            }
        }
        repeatOne(service, batches, findings);
    }

    private void examine(ServiceProcess service, String id, Claims claims, Instant started, List<Finding> findings)
            throws IOException, InterruptedException {
        JsonNode batch = service.awaitEnd(id);
        List<String> results = service.results(id);
        try {
            boolean cancelled = claims.cancelled == Known.YES
                    || (claims.cancelled == Known.PERHAPS
                            && !batch.get("outcome").asString().equals("succeeded"));
            if (cancelled) {
                claims.plan.assertStopped(batch, results, started);
            } else {
                claims.plan.assertComplete(batch, results);
            }
        } catch (AssertionError e) {
            findings.add(new Finding(Fault.WRONG, id + ": " + e.getMessage()));
        }
        claims.lines.forEach((index, line) -> {
            linesCompared++;
            if (Integer.parseInt(index) >= results.size()
                    || !results.get(Integer.parseInt(index)).equals(line)) {
                findings.add(new Finding(Fault.CHANGED, id + " " + line));
            }
        });
        if (claims.ended != null && !ServiceProcess.JSON.readTree(claims.ended).equals(batch)) {
            findings.add(new Finding(Fault.CHANGED, claims.ended + " is " + batch));
        }
    }

    /** Who asks again with the same key, or for the same id, gets the batch that is there. */
    private static void repeatOne(ServiceProcess service, Map<String, Claims> batches, List<Finding> findings)
            throws IOException, InterruptedException {
        List<String> there = CutBook.mustBeThere(batches);
        if (!there.isEmpty()) {
            String last = there.get(there.size() - 1);
            BatchPlan plan = requireNonNull(batches.get(last)).plan;
            HttpResponse<String> answer = service.send(CutLoad.submission(service, plan));
            JsonNode batch = ServiceProcess.JSON.readTree(answer.body());
            if (answer.statusCode() != 200 || !batch.get("id").asString().equals(last)) {
                findings.add(new Finding(Fault.LOST, last + " when asked for again: " + answer.body()));
            }
        }
    }

    /** Ids and names of all batches that there are. */
    private static Map<String, String> listAll(ServiceProcess service) throws IOException, InterruptedException {
        Map<String, String> all = new LinkedHashMap<>();
        String path = "/v1/batches?limit=1000";
        while (path != null) {
            JsonNode page = ServiceProcess.JSON.readTree(service.get(path).body());
            page.get("items")
                    .forEach(batch -> all.put(
                            batch.get("id").asString(), batch.get("name").asString()));
            path = page.has("next") ? page.get("next").asString() : null;
        }
        return all;
    }

    private static void examine(Path place, List<Finding> findings) {
        String url = "jdbc:sqlite:" + place.resolve("data/conveyor.db");
        try (Connection file = DriverManager.getConnection(url);
                Statement statement = file.createStatement();
                ResultSet row = statement.executeQuery("PRAGMA integrity_check")) {
            assertThat(row.getString(1)).isEqualTo("ok");
        } catch (SQLException | AssertionError e) {
            findings.add(new Finding(Fault.BROKEN, "integrity_check: " + e.getMessage()));
        }
    }

    private static void delete(Path place) throws IOException {
        try (Stream<Path> all = Files.walk(place)) {
            all.sorted(Comparator.reverseOrder()).forEach(path -> {
                try {
                    Files.delete(path);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }

    /** Cuts that something was lost, broken or changed by. */
    int faulty() {
        return faulty;
    }

    /** How often this was found. */
    int count(Fault fault) {
        return faults.getOrDefault(fault, 0);
    }

    String recorded() {
        long written = calls.stream()
                .filter(call -> call.name().equals("pwrite64"))
                .mapToLong(call -> call.data().length)
                .sum();
        return "%d requests, of them %d submissions acknowledged; %d MiB written, %d flushes of the log, %d checkpoints, log begun anew %d times"
                .formatted(
                        book.requests(),
                        book.acknowledgements().size(),
                        written >> 20,
                        moments(call -> call.name().equals("fsync")
                                        && call.path().endsWith("-wal"))
                                .size(),
                        checkpoints(),
                        moments(call -> call.name().equals("pwrite64")
                                        && call.path().endsWith("-wal")
                                        && call.number(-1) == 0)
                                .size());
    }

    String report() {
        return "%d power cuts, %d with a fault %s; %d batches checked, %d result lines compared"
                .formatted(cuts, faulty, faults, checked, linesCompared);
    }
}
