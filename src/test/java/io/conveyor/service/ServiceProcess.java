package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The jar in a process of its own, with a directory of its own to work in, on a free port of the loopback. Closing it
 * kills what is left. Thread-safe.
 *
 * <p><b>Threads and state.</b> One thread copies what the process prints into its log file, and tells {@link #port} of
 * the start line; it ends with the process.
 */
public final class ServiceProcess implements AutoCloseable {

    public static final JsonMapper JSON = JsonMapper.shared();

    /** What a JVM answers to SIGTERM: 128 + 15. */
    public static final int TERMINATED = 143;

    /** What a JVM answers to SIGKILL: 128 + 9. */
    public static final int KILLED = 137;

    /** Only ends a test that has failed already: machines that run many tests at once are slow. */
    static final Duration LONG = Duration.ofMinutes(5);

    /** Half the work of a start, which is most of what such a test costs. */
    private static final List<String> QUICK_START = List.of("-XX:TieredStopAtLevel=1");

    /** Among the flags of a test that has the service do so much that the best compiler pays. */
    public static final String BEST_COMPILER = "-XX:TieredStopAtLevel=4";

    private static final Pattern READY = Pattern.compile("Conveyor is ready on port (\\d+) ");
    private static final Pattern TROUBLE = Pattern.compile("\\b(WARN|WARNING|ERROR)\\b");

    /** Of jobs that are looked at alone; that one of them is given up is an error, and stays one. */
    private static final Pattern HIT_TWICE =
            Pattern.compile(" WARN .* (The service has ended abruptly while these ran; they are looked at before"
                    + "|.* still runs after \\S+; the others begin, and it goes on beside them)");

    private static final HttpClient HTTP = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(LONG)
            .build();

    private static final AtomicInteger STARTED = new AtomicInteger();

    private final Launch launch;
    private final Path directory;
    private final List<String> jvmFlags;
    private final List<String> options;
    private final Path log;
    private final Process process;
    private final Thread copier;
    private final CompletableFuture<Integer> port = new CompletableFuture<>();

    /**
     * What is started, and how.
     *
     * @param before stands before the name of the JVM: a program that runs it, with its own arguments; empty for none
     */
    public record Launch(List<String> before, Path jar) {

        /** The jar under test, by itself. */
        static final Launch PLAIN = by(List.of());

        public Launch {
            before = List.copyOf(before);
            jar = jar.toAbsolutePath();
        }

        /** The jar under test, by a program that becomes the process in the end: {@code env}, {@code strace} and the like. */
        public static Launch by(List<String> before) {
            return new Launch(before, Path.of(System.getProperty("conveyor.jar", "target/conveyor.jar")));
        }
    }

    private ServiceProcess(Launch launch, Path directory, List<String> jvmFlags, List<String> options) {
        this.launch = launch;
        this.directory = directory;
        this.jvmFlags = List.copyOf(jvmFlags);
        this.options = List.copyOf(options);
        try {
            log = directory.resolve("service-" + STARTED.incrementAndGet() + ".log");
            process = new ProcessBuilder(command())
                    .directory(directory.toFile())
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        copier = new Thread(this::copyLog, "log of " + process.pid());
        copier.start();
    }

    /** Starts it and waits until it is ready. */
    static ServiceProcess start(Path directory, String... options) {
        return spawn(directory, List.of(), List.of(options)).awaitReady();
    }

    /** Starts it and does not wait. */
    public static ServiceProcess spawn(Path directory, List<String> jvmFlags, List<String> options) {
        return spawn(Launch.PLAIN, directory, jvmFlags, options);
    }

    /** Starts another jar, or in another way, and does not wait. */
    public static ServiceProcess spawn(Launch launch, Path directory, List<String> jvmFlags, List<String> options) {
        return new ServiceProcess(launch, directory, jvmFlags, options);
    }

    /** Another process on the same data, once this one has ended; does not wait until it is ready. */
    ServiceProcess respawn() {
        assertThat(process.isAlive()).as("the process before").isFalse();
        return new ServiceProcess(launch, directory, jvmFlags, options);
    }

    private List<String> command() throws IOException {
        List<String> command = new ArrayList<>(launch.before());
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        // The native library of SQLite stays behind after a kill; here it goes with the directory.
        command.add("-Djava.io.tmpdir=" + Files.createDirectories(directory.resolve("tmp")));
        command.addAll(QUICK_START);
        command.addAll(jvmFlags);
        command.add("-jar");
        command.add(launch.jar().toString());
        command.add("--server.address=127.0.0.1");
        command.add("--server.port=0");
        command.addAll(options);
        return command;
    }

    private void copyLog() {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8);
                BufferedWriter copy = Files.newBufferedWriter(log)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                copy.write(line);
                copy.newLine();
                copy.flush();
                Matcher ready = READY.matcher(line);
                if (ready.find()) {
                    port.complete(Integer.valueOf(ready.group(1)));
                }
            }
            port.completeExceptionally(new IllegalStateException("The service ended before it was ready: see " + log));
        } catch (IOException e) {
            port.completeExceptionally(e);
        }
    }

    public ServiceProcess awaitReady() {
        boolean ready = false;
        try {
            port.orTimeout(LONG.toSeconds(), TimeUnit.SECONDS).join();
            await().atMost(LONG).until(() -> get("/readyz").statusCode() == 200);
            ready = true;
        } finally {
            if (!ready) {
                close();
                System.out.println(log());
            }
        }
        return this;
    }

    public URI uri(String path) {
        return URI.create("http://127.0.0.1:" + port.join() + path);
    }

    /** A request for a path of the service; goes through {@link #send}. */
    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(uri(path)).timeout(LONG);
    }

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return send(request(path));
    }

    HttpResponse<String> post(String batch, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = request("/v1/batches")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(batch));
        return send(headers.length == 0 ? request : request.headers(headers));
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return send(request, BodyHandlers.ofString());
    }

    <T> HttpResponse<T> send(HttpRequest.Builder request, HttpResponse.BodyHandler<T> handler)
            throws IOException, InterruptedException {
        return HTTP.send(request.build(), handler);
    }

    /** Submits without waiting for the jobs; the id that the service gave. */
    String submit(String batch) throws IOException, InterruptedException {
        HttpResponse<String> answer = post(batch, "Prefer", "respond-async");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
        return JSON.readTree(answer.body()).get("id").asString();
    }

    /** The batch, once it has ended. */
    JsonNode awaitEnd(String id) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + LONG.toNanos();
        JsonNode batch;
        do {
            HttpResponse<String> answer = get("/v1/batches/" + id + "?wait=30");
            assertThat(answer.statusCode()).as("%s: %s", id, answer.body()).isEqualTo(200);
            batch = JSON.readTree(answer.body());
            assertThat(System.nanoTime() - deadline)
                    .as("%s does not end: %s", id, batch)
                    .isNegative();
        } while (!batch.get("state").asString().equals("ended"));
        return batch;
    }

    /** Results of the batch that are there, a line each. */
    List<String> results(String id) throws IOException, InterruptedException {
        HttpResponse<String> answer = get("/v1/batches/" + id + "/results");
        assertThat(answer.statusCode()).as("%s: %s", id, answer.body()).isEqualTo(200);
        return answer.body().lines().toList();
    }

    /** Everything that the process has printed so far; all of it, once it has ended. */
    public String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Lines of the log that an operator would look into, but for what a start says after two kills: it is right then. */
    public List<String> trouble() {
        return log().lines()
                .filter(line ->
                        TROUBLE.matcher(line).find() && !HIT_TWICE.matcher(line).find())
                .toList();
    }

    /** Whether it has said that it is ready. */
    boolean isReady() {
        return port.isDone() && !port.isCompletedExceptionally();
    }

    /** Sends a signal by the process id, as a supervisor does. */
    public void signal(String name) {
        try {
            Process kill = new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                    .inheritIO()
                    .start();
            assertThat(kill.waitFor()).as("kill -%s", name).isZero();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** Lets the process run for so long, the moment of a fault that a test draws; it must not end by itself meanwhile. */
    void runFor(Duration time) {
        try {
            assertThat(process.waitFor(time.toMillis(), TimeUnit.MILLISECONDS))
                    .as("the service has ended by itself")
                    .isFalse();
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** SIGKILL: no hook runs, nothing is flushed. */
    void killHard() {
        signal("KILL");
        assertThat(awaitExit()).isEqualTo(KILLED);
    }

    /** SIGTERM; the exit code. */
    public int terminate() {
        signal("TERM");
        return awaitExit();
    }

    /** Exit code of a process that ends by itself or has been told to; its log is complete afterwards. */
    public int awaitExit() {
        try {
            assertThat(process.waitFor(LONG.toSeconds(), TimeUnit.SECONDS))
                    .as("the service has ended")
                    .isTrue();
            copier.join();
            return process.exitValue();
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        awaitExit();
    }

    private static IllegalStateException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new IllegalStateException("The test was interrupted", e);
    }
}
