package io.conveyor.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.conveyor.ConveyorApplication;
import io.conveyor.job.JobState;
import io.conveyor.store.BatchRef;
import io.conveyor.store.StoreException;
import io.conveyor.store.TestStores;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.micrometer.metrics.test.autoconfigure.AutoConfigureMetrics;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.JsonNode;

/** What operators see of the real service, on a real file: the figures, the worker pool, the health. */
@SpringBootTest(
        classes = {ConveyorApplication.class, MonitorTestParts.class},
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            "server.address=127.0.0.1",
            "conveyor.pool.workers=" + MonitorTest.WORKERS,
            "conveyor.pool.caller-runs=1",
            "conveyor.pool.queue-capacity=" + MonitorTest.QUEUE,
            "conveyor.intake.max-jobs=50",
            "conveyor.intake.max-json-body=64KB",
            "conveyor.intake.max-backlog=" + MonitorTest.MOST
        })
@AutoConfigureMetrics
@DirtiesContext // The file goes when the class is done, and the service has to be done with it first.
class MonitorTest {

    static final int WORKERS = 3;
    static final int QUEUE = 2;
    /** All workers, a full queue and one caller. */
    static final int MOST = WORKERS + QUEUE + 1;

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    private static Path directory;

    /** Taken before any job. */
    private static Scrape first;

    private Service service;

    @Autowired
    private Gate gate;

    @Autowired
    private JobMeters jobs;

    @Autowired
    private StoreMeters store;

    @Autowired
    private AtomicBoolean faulty;

    @DynamicPropertySource
    static void store(DynamicPropertyRegistry properties) {
        properties.add("spring.datasource.url", () -> "jdbc:sqlite:" + directory.resolve("monitor.db"));
    }

    @BeforeAll
    static void scrapeBeforeTheFirstJob(@Value("${local.server.port}") int port) {
        Service service = new Service(port);
        service.get("/v1");
        first = service.scrape();
    }

    @BeforeEach
    void find(@Value("${local.server.port}") int port) {
        service = new Service(port);
    }

    @AfterEach
    void letEverythingEnd() {
        gate.open();
        await().atMost(PATIENCE).until(() -> scrape().value("conveyor_backlog_jobs") == 0);
    }

    @Test
    void everySeriesOfTheRulesAndTheBoardIsThereBeforeTheFirstJob() throws Exception {
        Map<String, Set<Set<String>>> wanted = Expressions.metrics();

        assertThat(wanted).hasSizeGreaterThan(40).containsKey("conveyor_refused_total");
        wanted.forEach((name, selectors) -> selectors.forEach(labels ->
                assertThat(first.has(name, labels)).as("%s%s", name, labels).isTrue()));
        for (String kind : Set.of("echo", "sleep", "hash", "http", "gate", "(other)")) {
            for (String state : Set.of("succeeded", "failed")) {
                assertThat(first.value(series("conveyor_job_duration_seconds_count", kind, state)))
                        .isZero();
            }
        }
    }

    @Test
    void theWebServerShowsItsConnectionsAndThreads() {
        Map<String, Double> server = scrape().samples().entrySet().stream()
                .filter(series -> series.getKey().startsWith("tomcat_connections_")
                        || series.getKey().startsWith("tomcat_threads_"))
                .collect(Collectors.toMap(series -> series.getKey().replaceAll("\\{.*", ""), Map.Entry::getValue));

        assertThat(server)
                .containsEntry("tomcat_connections_config_max_connections", 8192.0)
                .containsEntry("tomcat_threads_config_max_threads", 200.0)
                .hasSize(5);
        assertThat(server.get("tomcat_connections_current_connections")).isPositive();
        // The scrape itself holds one.
        assertThat(server.get("tomcat_threads_busy_threads")).isPositive();
        assertThat(server.get("tomcat_threads_current_threads"))
                .isGreaterThanOrEqualTo(server.get("tomcat_threads_busy_threads"));
    }

    @Test
    void theMetricsAreThese() {
        String ours = first.types().entrySet().stream()
                .filter(family -> family.getKey().startsWith("conveyor_"))
                .map(family -> family.getKey() + " " + family.getValue())
                .collect(Collectors.joining("\n"));

        assertThat(ours).isEqualTo("""
                conveyor_backlog_jobs gauge
                conveyor_backlog_limit_jobs gauge
                conveyor_batches gauge
                conveyor_caller_runs_total counter
                conveyor_callers_permits gauge
                conveyor_callers_running gauge
                conveyor_commit_duration_seconds histogram
                conveyor_commit_duration_seconds_max gauge
                conveyor_commit_failures_total counter
                conveyor_commit_size_writes summary
                conveyor_commit_size_writes_max gauge
                conveyor_job_duration_seconds histogram
                conveyor_job_duration_seconds_max gauge
                conveyor_job_retries_total counter
                conveyor_jobs_accepted_total counter
                conveyor_jobs_recorded_total counter
                conveyor_jobs_retrying gauge
                conveyor_outcomes_late_total counter
                conveyor_outcomes_waiting gauge
                conveyor_queue_capacity_jobs gauge
                conveyor_queue_depth_jobs gauge
                conveyor_queue_limit_bytes gauge
                conveyor_queue_saturation_ratio gauge
                conveyor_queue_size_bytes gauge
                conveyor_queue_wait_seconds histogram
                conveyor_queue_wait_seconds_max gauge
                conveyor_refused_total counter
                conveyor_store_size_bytes gauge
                conveyor_streams gauge
                conveyor_streams_limit gauge
                conveyor_wal_size_bytes gauge
                conveyor_worker_busy_seconds_total counter
                conveyor_worker_longest_job_seconds gauge
                conveyor_worker_utilisation_ratio gauge
                conveyor_workers gauge
                conveyor_workers_active gauge
                conveyor_workers_stuck gauge""");
    }

    @Test
    void everyMetricHasAHelpAndNoLabelThatAClientCanGrow() {
        jobs.ran("made-up", JobState.FAILED, 1);
        Scrape scrape = scrape();

        scrape.types().keySet().stream()
                .filter(family -> family.startsWith("conveyor_"))
                .forEach(family ->
                        assertThat(scrape.helps().get(family)).as(family).isNotBlank());
        Map<String, Set<String>> labels = scrape.labels("conveyor_");
        assertThat(labels.keySet()).containsExactlyInAnyOrder("kind", "state", "window", "reason", "format", "le");
        assertThat(labels.get("kind")).containsExactlyInAnyOrder("echo", "gate", "hash", "http", "sleep", "(other)");
        assertThat(labels.get("reason"))
                .containsExactlyInAnyOrder(
                        "backlog", "submissions", "too_large", "too_many_jobs", "draining", "storage_full");
        assertThat(labels.get("format")).containsExactlyInAnyOrder("ndjson", "json", "events");
        assertThat(labels.get("window")).containsExactlyInAnyOrder("10s", "1m");
    }

    @Test
    void aBatchIsCountedOnceInEveryFigure() {
        Scrape before = scrape();
        String batch = "[" + "{\"kind\":\"echo\",\"input\":1},".repeat(3)
                + "{\"kind\":\"hash\",\"input\":[]},{\"kind\":\"hash\",\"input\":{}}]";

        HttpResponse<String> answer = service.submit(batch, "wait=60");
        assertThat(answer.statusCode()).isEqualTo(200);
        // The writer counts a commit after it has told of the end.
        await().atMost(PATIENCE).until(() -> grown(before, "conveyor_commit_size_writes_sum") >= 6);

        assertThat(grown(before, "conveyor_jobs_accepted_total")).isEqualTo(5);
        assertThat(grown(before, "conveyor_jobs_recorded_total{state=\"succeeded\"}"))
                .isEqualTo(3);
        assertThat(grown(before, "conveyor_jobs_recorded_total{state=\"failed\"}"))
                .isEqualTo(2);
        String count = "conveyor_job_duration_seconds_count";
        assertThat(grown(before, series(count, "echo", "succeeded"))).isEqualTo(3);
        assertThat(grown(before, series(count, "hash", "failed"))).isEqualTo(2);
        assertThat(grown(before, series(count, "hash", "succeeded"))).isZero();
        assertThat(grown(before, series("conveyor_job_duration_seconds_sum", "echo", "succeeded")))
                .isPositive();
        // A job that its caller ran was in no queue.
        assertThat(grown(before, "conveyor_queue_wait_seconds_count") + grown(before, "conveyor_caller_runs_total"))
                .isEqualTo(5);
        assertThat(grown(before, "conveyor_commit_duration_seconds_count")).isBetween(2.0, 6.0);
        assertThat(grown(before, "conveyor_commit_duration_seconds_sum")).isPositive();
        assertThat(grown(before, "conveyor_batches{state=\"ended\"}")).isEqualTo(1);
        assertThat(scrape().value("conveyor_backlog_jobs")).isZero();
        assertThat(scrape().value("conveyor_outcomes_waiting")).isZero();
        assertThat(scrape().value("conveyor_store_size_bytes")).isPositive();
        assertThat(scrape().value("conveyor_wal_size_bytes")).isPositive();
    }

    @Test
    void aFullServiceShowsWhoWorksAndWhatWaits() throws Exception {
        Scrape before = scrape();
        gate.close();
        service.submit(gates(WORKERS), "respond-async");
        await().atMost(PATIENCE).until(() -> scrape().value("conveyor_workers_active") == WORKERS);
        service.submit(gates(QUEUE), "respond-async");
        CompletableFuture<HttpResponse<String>> caller = service.submitLater(gates(1));
        await().atMost(PATIENCE).until(() -> scrape().value("conveyor_callers_running") == 1);

        Scrape full = scrape();
        assertThat(full.value("conveyor_backlog_jobs")).isEqualTo(MOST);
        assertThat(full.value("conveyor_backlog_limit_jobs")).isEqualTo(MOST);
        assertThat(full.value("conveyor_batches{state=\"running\"}")).isEqualTo(3);
        assertThat(full.value("conveyor_workers")).isEqualTo(WORKERS);
        assertThat(full.value("conveyor_workers_active")).isEqualTo(WORKERS);
        assertThat(full.value("executor_active_threads{name=\"conveyor\"}")).isEqualTo(WORKERS);
        assertThat(full.value("conveyor_queue_depth_jobs")).isEqualTo(QUEUE);
        assertThat(full.value("conveyor_queue_capacity_jobs")).isEqualTo(QUEUE);
        assertThat(full.value("conveyor_queue_size_bytes")).isPositive();
        assertThat(full.value("conveyor_queue_size_bytes")).isLessThan(full.value("conveyor_queue_limit_bytes"));
        assertThat(full.value("conveyor_callers_permits")).isEqualTo(1);
        assertThat(full.value("conveyor_worker_longest_job_seconds")).isPositive();
        assertThat(full.value("conveyor_worker_utilisation_ratio{window=\"10s\"}"))
                .isBetween(1e-9, 1.0);
        assertThat(full.value("conveyor_worker_utilisation_ratio{window=\"1m\"}"))
                .isBetween(1e-9, 1.0);
        assertThat(service.submit(gates(1), null).statusCode()).isEqualTo(429);
        assertThat(grown(before, "conveyor_refused_total{reason=\"backlog\"}")).isEqualTo(1);
        workerPoolTellsTheSame();

        gate.open();
        assertThat(caller.get().statusCode()).isEqualTo(202);
        await().atMost(PATIENCE).until(() -> scrape().value("conveyor_backlog_jobs") == 0);
        assertThat(grown(before, "conveyor_caller_runs_total")).isEqualTo(1);
        assertThat(grown(before, "conveyor_worker_busy_seconds_total")).isPositive();
    }

    private void workerPoolTellsTheSame() {
        JsonNode report = service.json("/actuator/workerpool");

        assertThat(report.propertyNames())
                .containsExactly(
                        "workers",
                        "active",
                        "utilisation_10s",
                        "utilisation_1m",
                        "queue_depth",
                        "queue_capacity",
                        "queue_bytes",
                        "queue_bytes_limit",
                        "caller_runs_in_use",
                        "caller_runs_permits",
                        "caller_runs_total",
                        "callers_waiting",
                        "saturation",
                        "longest_job_seconds",
                        "stuck",
                        "completed_total",
                        "waiting_batches",
                        "accepting",
                        "crew",
                        "sizing_advice");
        assertThat(report.get("active").asInt()).isEqualTo(WORKERS);
        assertThat(report.get("queue_depth").asInt()).isEqualTo(QUEUE);
        assertThat(report.get("saturation").asDouble()).isEqualTo(1);
        assertThat(report.get("caller_runs_in_use").asInt()).isEqualTo(1);
        assertThat(report.get("accepting").asBoolean()).isTrue();
        assertThat(report.get("crew")).hasSize(WORKERS);
        for (JsonNode worker : report.get("crew")) {
            assertThat(worker.propertyNames())
                    .containsExactly("name", "busy", "running_seconds", "utilisation_10s", "stuck");
            assertThat(worker.get("busy").asBoolean()).isTrue();
        }
    }

    @Test
    void theWorkerPoolAdvisesOnEachKindThatHasRun() {
        service.submit("[{\"kind\":\"echo\",\"input\":1}]", "wait=60");

        JsonNode report = service.json("/actuator/workerpool");
        JsonNode advice = report.get("sizing_advice")
                .valueStream()
                .filter(kind -> kind.get("kind").asString().equals("echo"))
                .findFirst()
                .orElseThrow();
        assertThat(advice.propertyNames())
                .containsExactly(
                        "kind",
                        "jobs_measured",
                        "mean_wall_ms",
                        "mean_cpu_ms",
                        "wait_share",
                        "suggested_workers",
                        "because");
        assertThat(advice.get("jobs_measured").asLong()).isPositive();
        assertThat(advice.get("suggested_workers").asInt()).isPositive();
    }

    @Test
    void refusalsAreCountedByTheLimitThatRefused() {
        Scrape before = scrape();
        String job = "{\"kind\":\"echo\"}";

        service.submit("[" + String.join(",", Collections.nCopies(51, job)) + "]", null);
        service.submit("[" + " ".repeat(70_000) + job + "]", null);

        assertThat(grown(before, "conveyor_refused_total{reason=\"too_many_jobs\"}"))
                .isEqualTo(1);
        assertThat(grown(before, "conveyor_refused_total{reason=\"too_large\"}"))
                .isEqualTo(1);
        assertThat(grown(before, "conveyor_jobs_accepted_total")).isZero();
    }

    @Test
    void aStoreThatFailsEndsReadinessAndNotLivenessUntilItWorksAgain() {
        assertThat(service.get("/readyz").statusCode()).isEqualTo(200);

        faulty.set(true);
        try {
            assertThat(service.get("/readyz").statusCode()).isEqualTo(503);
            assertThat(service.get("/livez").statusCode()).isEqualTo(200);
            JsonNode health = service.json("/actuator/health/readiness");
            assertThat(health.at("/components").propertyNames())
                    .containsExactlyInAnyOrder("readinessState", "store", "pool");
            assertThat(health.at("/components/store/status").asString()).isEqualTo("DOWN");
            assertThat(health.at("/components/store/details/trouble").asString())
                    .isEqualTo("a fault");
            assertThat(health.at("/components/pool/status").asString()).isEqualTo("UP");
        } finally {
            faulty.set(false);
        }

        assertThat(service.get("/readyz").statusCode()).isEqualTo(200);
    }

    @Test
    void aCommitThatFailedIsCounted() throws Exception {
        Scrape before = scrape();
        TestStores.OpenStore closed = TestStores.open(directory.resolve("closed.db"));
        closed.close();
        StoreException failure = catchThrowableOfType(
                StoreException.class, () -> closed.store().abandon(new BatchRef("default", 1, "b")));

        store.commitFailed(failure);

        assertThat(grown(before, "conveyor_commit_failures_total")).isEqualTo(1);
    }

    @Test
    void workersThatAreBusyAddUpTheirTime() {
        gate.close();
        service.submit(gates(WORKERS), "respond-async");
        await().atMost(PATIENCE).until(() -> scrape().value("conveyor_workers_active") == WORKERS);

        // A snapshot serves scrapes for 0.2 s, so it may be that much older than its scrape.
        double slack = 0.2;
        long before = System.nanoTime();
        double busy = scrape().value("conveyor_worker_busy_seconds_total");
        long between = System.nanoTime();
        await().atMost(PATIENCE).until(() -> scrape().value("conveyor_worker_busy_seconds_total") > busy + WORKERS);
        long later = System.nanoTime();
        double more = scrape().value("conveyor_worker_busy_seconds_total") - busy;
        long after = System.nanoTime();

        assertThat(more)
                .isBetween(WORKERS * ((later - between) / 1e9 - slack), WORKERS * ((after - before) / 1e9 + slack));
    }

    private static String series(String name, String kind, String state) {
        return name + "{kind=\"" + kind + "\",state=\"" + state + "\"}";
    }

    private static String gates(int jobs) {
        return "[" + String.join(",", Collections.nCopies(jobs, "{\"kind\":\"gate\"}")) + "]";
    }

    private double grown(Scrape since, String series) {
        return scrape().value(series) - since.value(series);
    }

    private Scrape scrape() {
        return service.scrape();
    }
}
