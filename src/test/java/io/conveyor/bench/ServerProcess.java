package io.conveyor.bench;

import java.io.File;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A server in a process of its own, in an empty directory; closing it ends the process and removes the directory. */
final class ServerProcess implements AutoCloseable {

    /** Between two attempts to connect to a server that starts, in milliseconds: the resolution of the start time. */
    private static final long PAUSE_MILLIS = 2;

    private static final long LONGEST_START_SECONDS = 90;
    private static final long LONGEST_STOP_SECONDS = 40;

    private final Process process;
    private final Path directory;
    private final int port;
    private final long startNanos;

    private ServerProcess(Process process, Path directory, int port, long startNanos) {
        this.process = process;
        this.directory = directory;
        this.port = port;
        this.startNanos = startNanos;
    }

    /**
     * Starts the service and waits until it takes this batch.
     *
     * @param arguments Spring properties of the service
     */
    static ServerProcess conveyor(Settings settings, byte[] firstBatch, String... arguments) throws Exception {
        Path directory = emptyDirectory(settings, "conveyor");
        List<String> command = new ArrayList<>(List.of(settings.java().toString(), "-Xmx" + settings.heap()));
        command.addAll(settings.flags());
        command.addAll(List.of("-jar", settings.jar().toString()));
        command.add("--spring.datasource.url=jdbc:sqlite:" + directory.resolve("conveyor.db"));
        command.addAll(List.of(arguments));
        return start(command, directory, firstBatch);
    }

    /** Starts the bare echo and waits until it answers. */
    static ServerProcess echo(Settings settings, byte[] firstRequest) throws Exception {
        Path directory = emptyDirectory(settings, "echo");
        List<String> command = new ArrayList<>(List.of(settings.java().toString(), "-Xmx" + settings.heap()));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), EchoApplication.class.getName()));
        // Not the service's own configuration, which is on this class path as well.
        command.add("--spring.config.name=echo");
        command.add("--server.tomcat.max-keep-alive-requests=-1");
        return start(command, directory, firstRequest);
    }

    private static Path emptyDirectory(Settings settings, String name) throws IOException {
        Files.createDirectories(settings.directory());
        return Files.createTempDirectory(settings.directory(), name);
    }

    private static ServerProcess start(List<String> command, Path directory, byte[] request) throws Exception {
        int port = freePort();
        List<String> line = new ArrayList<>(command);
        line.add("--server.address=127.0.0.1");
        line.add("--server.port=" + port);
        File log = directory.resolve("log").toFile();
        ProcessBuilder builder = new ProcessBuilder(line)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log);
        long begin = System.nanoTime();
        Process process = builder.start();
        ServerProcess server = new ServerProcess(process, directory, port, begin);
        try {
            return server.answering(request, begin);
        } catch (Exception e) {
            e.addSuppressed(new IOException("The server said: " + Files.readString(log.toPath())));
            server.close();
            throw e;
        }
    }

    private ServerProcess answering(byte[] request, long begin) throws Exception {
        while (process.isAlive() && System.nanoTime() - begin < TimeUnit.SECONDS.toNanos(LONGEST_START_SECONDS)) {
            try (HttpConnection connection = new HttpConnection(port)) {
                int status = connection.exchange(request);
                if (status / 100 == 2) {
                    return new ServerProcess(process, directory, port, System.nanoTime() - begin);
                }
                throw new IOException("The first answer is " + status + ": " + connection.body());
            } catch (ConnectException e) {
                if (process.waitFor(PAUSE_MILLIS, TimeUnit.MILLISECONDS)) {
                    throw new IOException("The server has ended with " + process.exitValue());
                }
            }
        }
        throw new IOException("The server did not start");
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    int port() {
        return port;
    }

    /** From the start of the process to the end of the first answer. */
    double startSeconds() {
        return startNanos / 1e9;
    }

    /** Processor time that the process has used, in microseconds. */
    double cpuMicros() {
        return process.info()
                .totalCpuDuration()
                .map(used -> used.toNanos() / 1e3)
                .orElse(Double.NaN);
    }

    /** A line of the kernel's account of the process in MiB, such as {@code VmRSS}; NaN where there is none. */
    double memory(String line) throws IOException {
        Path status = Path.of("/proc", String.valueOf(process.pid()), "status");
        if (!Files.exists(status)) {
            return Double.NaN;
        }
        return Files.readAllLines(status).stream()
                .filter(text -> text.startsWith(line + ":"))
                .mapToDouble(text -> Long.parseLong(text.replaceAll("\\D", "")) / 1024.0)
                .findFirst()
                .orElse(Double.NaN);
    }

    @Override
    public void close() throws IOException {
        process.destroy();
        try {
            if (!process.waitFor(LONGEST_STOP_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
