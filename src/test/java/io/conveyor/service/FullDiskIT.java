package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The real service on a disk that runs full, by its own doing and by that of others. */
final class FullDiskIT {

    private static final int MIB = 64;
    private static final int LARGER_MIB = 128;

    /** Jobs whose inputs and outputs take some 2 MB together. */
    private static final String LARGE =
            "{\"kind\":\"echo\",\"input\":\"%s\"}\n".formatted("x".repeat(1000)).repeat(1000);

    private static final String SLOW = "[" + "{\"kind\":\"sleep\",\"input\":{\"ms\":1500}},".repeat(7)
            + "{\"kind\":\"sleep\",\"input\":{\"ms\":10}}]";

    @TempDir
    private Path directory;

    private SmallDisk disk;

    @BeforeEach
    void mount() throws IOException, InterruptedException {
        disk = SmallDisk.mount(directory.resolve("disk"), MIB);
    }

    @AfterEach
    void unmount() throws IOException, InterruptedException {
        if (disk != null) {
            disk.close();
        }
    }

    private ServiceProcess start() {
        return ServiceProcess.start(directory, disk.option(), "--conveyor.reserve=8MB", "--conveyor.pool.workers=4");
    }

    /** New work stops before the disk is full, so that outcomes, and deletions, still find their room. */
    @Test
    void theServiceDoesNotFillItsDiskAndDeletionsMakeRoomForNewWork() throws IOException, InterruptedException {
        try (ServiceProcess service = start()) {
            List<String> accepted = acceptUntilRefused(service);

            assertThat(disk.free()).as("left").isPositive();
            assertRefused(service, "POST", "/v1/batches", "[{\"kind\":\"echo\"}]");
            assertRefused(service, "PUT", "/v1/batches/spilled", LARGE);
            for (String id : accepted) {
                assertThat(service.awaitEnd(id).get("outcome").asString()).isEqualTo("succeeded");
            }
            assertThat(store(service).get("takes_new_batches").asBoolean()).isFalse();
            assertThat(service.get("/readyz").statusCode()).isEqualTo(200);

            for (String id : accepted) {
                assertThat(service.send(service.request("/v1/batches/" + id).DELETE())
                                .statusCode())
                        .isEqualTo(204);
            }
            await().atMost(ServiceProcess.LONG)
                    .until(() -> store(service).get("takes_new_batches").asBoolean());
            assertThat(put(service, "afterwards", LARGE).statusCode()).isEqualTo(202);
            assertThat(service.awaitEnd("afterwards")
                            .get("counts")
                            .get("succeeded")
                            .asInt())
                    .isEqualTo(1000);
            assertThat(service.terminate()).isEqualTo(ServiceProcess.TERMINATED);
        }
    }

    @Test
    void aDiskThatOthersFillHoldsOutcomesBackUntilThereIsRoomAgain() throws IOException, InterruptedException {
        try (ServiceProcess service = start()) {
            put(service, "done", LARGE);
            service.awaitEnd("done");
            String slow = service.submit(SLOW);
            disk.fill();

            assertRefused(service, "POST", "/v1/batches", "[{\"kind\":\"echo\"}]");
            assertRefused(service, "PUT", "/v1/batches/spilled", LARGE);
            await().atMost(ServiceProcess.LONG)
                    .until(() -> store(service).get("outcomes_waiting").asInt() == 8);
            assertThat(service.get("/readyz").statusCode()).isEqualTo(503);
            assertThat(service.get("/livez").statusCode()).isEqualTo(200);
            assertThat(service.results("done")).hasSize(1000);
            assertThat(counts(service, slow).get("succeeded").asInt())
                    .as("on the disk")
                    .isZero();

            disk.enlarge(LARGER_MIB);
            assertThat(service.awaitEnd(slow).get("outcome").asString()).isEqualTo("succeeded");
            await().atMost(ServiceProcess.LONG)
                    .until(() -> service.get("/readyz").statusCode() == 200);
            assertThat(service.get("/v1/batches/spilled").statusCode()).isEqualTo(404);
            assertThat(put(service, "afterwards", LARGE).statusCode()).isEqualTo(202);
            assertThat(service.log())
                    .containsOnlyOnce("The disk of the store is full")
                    .containsOnlyOnce("The store writes again")
                    .doesNotContain("\tat ");
        }
    }

    @Test
    void aStopAndAKillOnAFullDiskLoseNothingThatWasAccepted() throws IOException, InterruptedException {
        String slow;
        try (ServiceProcess service = start()) {
            put(service, "done", LARGE); // more than the database could take from its log now
            service.awaitEnd("done");
            slow = service.submit(SLOW);
            disk.fill();
            await().atMost(ServiceProcess.LONG)
                    .until(() -> store(service).get("outcomes_waiting").asInt() > 0);
            assertThat(service.terminate()).isEqualTo(ServiceProcess.TERMINATED);
            assertThat(service.log()).contains("could not be written before the stop; their jobs run again");
            assertRefusesToStart(service);

            disk.clear();
            try (ServiceProcess again = service.respawn().awaitReady()) {
                disk.fill();
                await().atMost(ServiceProcess.LONG)
                        .until(() -> store(again).get("outcomes_waiting").asInt() > 0);
                again.killHard();
                disk.clear();
                try (ServiceProcess last = again.respawn().awaitReady()) {
                    assertThat(last.awaitEnd(slow)
                                    .get("counts")
                                    .get("succeeded")
                                    .asInt())
                            .isEqualTo(8);
                    assertThat(last.results(slow)).hasSize(8);
                }
            }
        }
    }

    private static void assertRefusesToStart(ServiceProcess before) {
        try (ServiceProcess refused = before.respawn()) {
            assertThat(refused.awaitExit()).isEqualTo(1);
            assertThat(refused.log())
                    .contains("There is no room on the disk of", "Make room on its disk, or enlarge it")
                    .doesNotContain("\tat ");
        }
    }

    private static List<String> acceptUntilRefused(ServiceProcess service) throws IOException, InterruptedException {
        List<String> accepted = new ArrayList<>();
        for (int n = 0; n < 2 * MIB; n++) {
            String id = "large-" + n;
            if (put(service, id, LARGE).statusCode() == 507) {
                return accepted;
            }
            accepted.add(id);
            service.awaitEnd(id);
        }
        throw new AssertionError("Never refused");
    }

    private static void assertRefused(ServiceProcess service, String method, String path, String body)
            throws IOException, InterruptedException {
        HttpResponse<String> answer = service.send(service.request(path)
                .method(method, BodyPublishers.ofString(body))
                .timeout(Duration.ofMinutes(1)));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(507);
        assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        assertThat(answer.body()).contains("/problems/storage-full");
        if (method.equals("PUT")) {
            assertThat(service.get(path).statusCode()).isEqualTo(404);
        }
    }

    private static HttpResponse<String> put(ServiceProcess service, String id, String body)
            throws IOException, InterruptedException {
        return service.send(service.request("/v1/batches/" + id)
                .header("Prefer", "respond-async")
                .PUT(BodyPublishers.ofString(body)));
    }

    private static JsonNode counts(ServiceProcess service, String id) throws IOException, InterruptedException {
        return ServiceProcess.JSON
                .readTree(service.get("/v1/batches/" + id).body())
                .get("counts");
    }

    private static JsonNode store(ServiceProcess service) throws IOException, InterruptedException {
        return ServiceProcess.JSON
                .readTree(service.get("/actuator/health").body())
                .get("components")
                .get("store")
                .get("details");
    }
}
