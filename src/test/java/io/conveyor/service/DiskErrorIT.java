package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The real service on a disk whose writes or flushes fail from some one on: told by strace, which takes the place of the
 * system. {@code -Duntil-clean} tries operation 1, 2, 3 and so on of each sort, until one has nothing left to fail.
 */
final class DiskErrorIT {

    /** EX_IOERR in sysexits. */
    private static final int DISK = 74;

    private static final boolean UNTIL_CLEAN = Boolean.getBoolean("until-clean");

    @TempDir
    private Path directory;

    private record Acknowledged(String id, boolean ended) {}

    /**
     * Whatever was acknowledged before the error is there after the restart; after it nothing is, and the process ends by
     * itself with a line that says why.
     */
    @ParameterizedTest
    @CsvSource({"fsync+fdatasync,EIO,2", "pwrite64,EIO,3", "pwrite64,EROFS,7"})
    void afterAnErrorOfTheDiskNothingIsAcknowledgedAndTheProcessEnds(String calls, String error, int first)
            throws Exception {
        String sorts = calls.replace('+', ',');
        if (!UNTIL_CLEAN) {
            assertThat(fails(sorts, error, first, 20)).as("errors were made").isTrue();
            return;
        }
        int operation = 1;
        while (fails(sorts, error, operation, 4)) {
            operation++;
        }
        assertThat(operation).as("operations that failed").isGreaterThan(4);
    }

    private boolean fails(String calls, String error, int operation, int batches) throws Exception {
        Path place = Files.createTempDirectory(directory, "operation-" + operation + "-");
        List<Acknowledged> acknowledged = new ArrayList<>();
        ServiceProcess service = ServiceProcess.start(place);
        boolean failed;
        try (Strace strace = Strace.attach(service.pid(), place, calls, error + ":when=" + operation + "+")) {
            for (int n = 0; n < batches && service.isAlive(); n++) {
                submit(service, "b" + n, acknowledged);
            }
            failed = strace.hits() > 0;
            if (failed) {
                assertThat(service.awaitExit()).as(service.log()).isEqualTo(DISK);
                assertThat(service.log())
                        .contains("The service stops because its disk failed and nothing more can be promised");
            } else {
                assertThat(acknowledged).hasSize(batches);
            }
        } finally {
            service.close();
        }
        try (ServiceProcess again = service.respawn().awaitReady()) {
            for (Acknowledged each : acknowledged) {
                assertThat(again.awaitEnd(each.id()).get("outcome").asString()).isEqualTo("succeeded");
                assertThat(again.results(each.id())).hasSize(2);
            }
            System.out.printf(
                    "DiskErrorIT: %s %s from number %d on%s: %d of %d batches acknowledged, none lost%n",
                    calls, error, operation, failed ? "" : ", which never came", acknowledged.size(), batches);
        }
        return failed;
    }

    private static void submit(ServiceProcess service, String id, List<Acknowledged> acknowledged) {
        try {
            HttpResponse<String> answer = service.send(service.request("/v1/batches/" + id)
                    .header("Prefer", "wait=2")
                    .timeout(Duration.ofSeconds(20))
                    .PUT(java.net.http.HttpRequest.BodyPublishers.ofString(
                            "[{\"kind\":\"echo\",\"input\":1},{\"kind\":\"sleep\",\"input\":{\"ms\":5}}]")));
            assertThat(answer.statusCode())
                    .as(answer.body() + "\n" + service.log())
                    .isIn(200, 202, 503);
            if (answer.statusCode() != 503) {
                acknowledged.add(new Acknowledged(id, answer.statusCode() == 200));
            }
        } catch (IOException e) {
            // the process is gone: nothing was acknowledged
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aReadOnlyDiskIsRefusedWithASentence() throws IOException, InterruptedException {
        Path mounted = directory.resolve("disk");
        try (SmallDisk disk = SmallDisk.mount(mounted, 16)) {
            ServiceProcess first = ServiceProcess.start(directory, disk.option());
            first.close();
            disk.setReadOnly();
            try (ServiceProcess refused = first.respawn()) {
                assertThat(refused.awaitExit()).isEqualTo(1);
                assertThat(refused.log())
                        .contains("cannot be opened for writing", "Start the service as a user who may write there")
                        .doesNotContain("\tat ");
            }
        }
    }

    /** Has the system calls of a process fail. */
    private record Strace(Process process, Path calls) implements AutoCloseable {

        static Strace attach(long pid, Path place, String calls, String fault) throws Exception {
            Path trace = place.resolve("calls");
            Process process;
            try {
                process = new ProcessBuilder(
                                "strace",
                                "-f",
                                "-p",
                                String.valueOf(pid),
                                "-o",
                                trace.toString(),
                                "-P",
                                place.resolve("data/conveyor.db").toString(),
                                "-P",
                                place.resolve("data/conveyor.db-wal").toString(),
                                "-e",
                                "trace=" + calls,
                                "-e",
                                "inject=" + calls + ":error=" + fault)
                        .redirectErrorStream(true)
                        .redirectOutput(place.resolve("strace.log").toFile())
                        .start();
            } catch (IOException e) {
                assumeTrue(false, "SKIPPED, errors of the disk need strace: " + e.getMessage());
                throw e;
            }
            await().atMost(ServiceProcess.LONG)
                    .until(() -> !process.isAlive()
                            || Files.readString(place.resolve("strace.log")).contains("attached"));
            assumeTrue(process.isAlive(), "SKIPPED, strace may not attach to the service here");
            return new Strace(process, trace);
        }

        long hits() throws IOException {
            try (var lines = Files.lines(calls)) {
                return lines.filter(line -> line.contains("(INJECTED)")).count();
            }
        }

        @Override
        public void close() {
            process.destroy();
        }
    }
}
