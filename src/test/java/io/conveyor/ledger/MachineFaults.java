package io.conveyor.ledger;

import io.conveyor.ledger.Books.Halt;
import io.conveyor.service.ServiceProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What the machine does. Has no state. */
final class MachineFaults {

    /** What {@code FailStop} ends with when the disk fails. */
    private static final int DISK = 74;

    static final List<Fault> ALL = List.of(
            new ClockJump(),
            new DiskError("an error of fsync", "fsync,fdatasync", "EIO"),
            new DiskError("an error of write", "pwrite64", "EIO"),
            new DiskFull());

    private MachineFaults() {}

    /** System calls of the running process fail, as long as it is open. */
    private static final class Injection implements AutoCloseable {

        private final Process strace;

        Injection(long pid, String calls, String error) throws IOException {
            strace = new ProcessBuilder(
                            "strace",
                            "-f",
                            "-o",
                            "/dev/null",
                            "-e",
                            "trace=" + calls,
                            "-e",
                            "inject=" + calls + ":error=" + error,
                            "-p",
                            String.valueOf(pid))
                    .start();
            BufferedReader said = strace.errorReader();
            String line = said.readLine();
            if (line == null || !line.contains("attached")) {
                throw new IOException("strace did not attach: " + line);
            }
        }

        static Optional<String> missing() {
            try {
                Process trial = new ProcessBuilder("strace", "-o", "/dev/null", "true").start();
                boolean works = trial.waitFor(10, TimeUnit.SECONDS) && trial.exitValue() == 0;
                Path scope = Path.of("/proc/sys/kernel/yama/ptrace_scope");
                boolean root = System.getProperty("user.name").equals("root");
                boolean allowed = root
                        || !Files.exists(scope)
                        || Files.readString(scope).strip().equals("0");
                return works && allowed
                        ? Optional.empty()
                        : Optional.of("strace may not attach to processes here; it needs root or ptrace_scope 0");
            } catch (IOException e) {
                return Optional.of("strace is not installed");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return Optional.of("interrupted");
            }
        }

        @Override
        public void close() {
            strace.destroy();
            strace.onExit().join();
        }
    }

    /** Nothing that is written from then on can be believed: the process ends, and says why. */
    private record DiskError(String name, String calls, String error) implements Fault {

        private static final Pattern WHY_IT_ENDS = Pattern.compile("The store is broken: |because its disk failed"
                + "|outcomes could not be written before the stop|, since the store failed; trying again");

        @Override
        public Optional<String> missing() {
            return Injection.missing();
        }

        @Override
        public void strike(Scene scene) throws IOException, InterruptedException {
            ServiceProcess process = scene.lives().process();
            scene.awaitLongEnough();
            scene.lives().mayLog(WHY_IT_ENDS);
            scene.lives().ending();
            try (Injection injection = new Injection(process.pid(), calls, error)) {
                scene.calls().submit(scene.planner().crowd(), "respond-async");
                scene.lives().awaitEnd(DISK);
            }
            if (Stream.of(process.log()).noneMatch(log -> log.contains("because its disk failed"))) {
                throw new AssertionError("The log does not say why the process has ended");
            }
            scene.restart();
        }
    }

    /** No room for some seconds, and then room again: work goes on without a restart. */
    private static final class DiskFull implements Fault {

        private static final Pattern NO_ROOM = Pattern.compile(
                "The disk of the store is full: |The store writes again" + "|, since the store failed; trying again");

        @Override
        public String name() {
            return "disk full, then room";
        }

        @Override
        public Optional<String> missing() {
            return Injection.missing();
        }

        @Override
        public void strike(Scene scene) throws IOException, InterruptedException {
            scene.lives().mayLog(NO_ROOM);
            long from = Moment.now();
            try (Injection injection =
                    new Injection(scene.lives().process().pid(), "pwrite64,ftruncate,fallocate", "ENOSPC")) {
                offer(scene);
                // Before there is room: that is there earlier than this thread knows.
                scene.lives().halted(Halt.Why.STORE, from);
            }
        }

        private static void offer(Scene scene) throws InterruptedException {
            for (int n = 0; n < 10; n++) {
                int status = scene.calls()
                        .submit(scene.planner().crowd(), "respond-async")
                        .status();
                if (status != 507) {
                    throw new AssertionError("Answered with " + status + " although the disk is full");
                }
                Scene.pause(400);
            }
        }
    }
}
