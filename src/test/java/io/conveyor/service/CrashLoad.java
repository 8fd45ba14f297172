package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/**
 * Clients that post batches and read results until the service is gone, and write down what they were told: the
 * witnesses of one kill. What they wrote down may be read after {@link #join}.
 *
 * <p><b>Threads and state.</b> {@value #CLIENTS} clients and {@value #READERS} readers; each ends with the first
 * exchange that breaks, or with {@link #BUDGET} jobs sent. An acknowledgement counts from the head of the answer on:
 * whoever has read the status line relies on it.
 */
final class CrashLoad {

    private static final int CLIENTS = 6;
    private static final int READERS = 2;

    /** Jobs that a client sends at the most: what a kill leaves behind must be worked off before the next one. */
    private static final int BUDGET = 4000;

    private static final int LARGEST = 300;

    /** Milliseconds of a job that the kill meets: longer than most loads go on. */
    private static final int SLOW_MILLIS = 2500;

    private final ServiceProcess service;
    private final String prefix;
    private final ConcurrentMap<String, BatchPlan> planned = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, BatchPlan> acknowledged = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, String> linesRead = new ConcurrentHashMap<>();
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final Queue<String> acknowledgedIds = new ConcurrentLinkedQueue<>();
    private final CountDownLatch someAcknowledged;
    private final CountDownLatch someRead = new CountDownLatch(READERS);
    private final List<Thread> threads = new ArrayList<>();

    /**
     * @param prefix sets the batches of this load apart from all others
     * @param enough answers after which the kill may come
     */
    CrashLoad(ServiceProcess service, String prefix, int enough, SplittableRandom random) {
        this.service = service;
        this.prefix = prefix;
        someAcknowledged = new CountDownLatch(enough);
        for (int client = 1; client <= CLIENTS; client++) {
            SplittableRandom own = random.split();
            String name = prefix + "-" + client;
            threads.add(thread(name, () -> submitAll(name, own)));
        }
        for (int reader = 1; reader <= READERS; reader++) {
            SplittableRandom own = random.split();
            threads.add(thread("reader", () -> readAll(own)));
        }
    }

    private interface Part {
        void run() throws IOException, InterruptedException;
    }

    private Thread thread(String name, Part part) {
        return new Thread(
                () -> {
                    try {
                        part.run();
                    } catch (IOException e) {
                        // The service is gone: what was on its way has no known answer.
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                },
                name);
    }

    /** Returns under load: there are answers, lines that have been read, and jobs that the kill will meet. */
    void start() throws IOException, InterruptedException {
        submit(new BatchPlan(prefix + "-slow", true, 0, 2, SLOW_MILLIS), "respond-async");
        threads.forEach(Thread::start);
        for (CountDownLatch latch : List.of(someAcknowledged, someRead)) {
            assertThat(latch.await(ServiceProcess.LONG.toSeconds(), TimeUnit.SECONDS))
                    .as("clients get answers: %s", failures)
                    .isTrue();
        }
    }

    /** Waits for all threads, which end when the service is gone. */
    void join() throws InterruptedException {
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
    }

    private void submitAll(String name, SplittableRandom random) throws IOException, InterruptedException {
        int sent = 0;
        for (int n = 1; sent < BUDGET; n++) {
            int size = size(random);
            BatchPlan plan = new BatchPlan(
                    name + "-" + n, random.nextInt(3) > 0, random.nextLong(), size, 0, random.nextInt(3) == 0);
            // An unknown preference asks for nothing: answered when all jobs are handed over.
            submit(plan, List.of("wait=1", "respond-async", "nothing").get(random.nextInt(3)));
            sent += size;
        }
    }

    /** Many small ones, some that fill more than a segment. */
    private static int size(SplittableRandom random) {
        return switch (random.nextInt(4)) {
            case 0 -> 1;
            case 1 -> random.nextInt(2, 20);
            default -> random.nextInt(20, LARGEST + 1);
        };
    }

    private void submit(BatchPlan plan, String preference) throws IOException, InterruptedException {
        planned.put(plan.key(), plan);
        HttpRequest.Builder request = submission(service, plan).header("Prefer", preference);
        HttpResponse<String> answer = service.send(request, head -> {
            if (head.statusCode() / 100 == 2) {
                String location = head.headers().firstValue("Location").orElseThrow();
                String id = location.substring(location.lastIndexOf('/') + 1);
                acknowledged.put(id, plan);
                acknowledgedIds.add(id);
                someAcknowledged.countDown();
            }
            return BodyHandlers.ofString().apply(head);
        });
        assertThat(answer.statusCode()).as(answer.body()).isIn(200, 202);
    }

    /** The request that hands a batch in, by an id of the client's or with a key; the same for the same plan. */
    static HttpRequest.Builder submission(ServiceProcess service, BatchPlan plan) {
        HttpRequest.Builder request = service.request("/v1/batches" + (plan.ownId() ? "/" + plan.key() : ""))
                .header("Content-Type", "application/json");
        if (!plan.ownId()) {
            request.header("Idempotency-Key", plan.key());
        }
        return request.method(plan.ownId() ? "PUT" : "POST", BodyPublishers.ofString(plan.body()));
    }

    /** Reads results of random batches over and over; what was read once must never read otherwise. */
    private void readAll(SplittableRandom random) throws IOException, InterruptedException {
        someAcknowledged.await();
        while (true) {
            List<String> ids = List.copyOf(acknowledgedIds);
            String id = ids.get(random.nextInt(ids.size()));
            for (String line : service.results(id)) {
                String key = id + " " + ServiceProcess.JSON.readTree(line).get("index");
                String before = linesRead.putIfAbsent(key, line);
                assertThat(line).as(key).isEqualTo(before == null ? line : before);
                someRead.countDown();
            }
            JsonNode batch = ServiceProcess.JSON.readTree(
                    service.get("/v1/batches/" + id).body());
            JsonNode counts = batch.get("counts");
            int sum = counts.get("pending").asInt()
                    + counts.get("running").asInt()
                    + counts.get("succeeded").asInt();
            assertThat(sum).as("%s", batch).isEqualTo(counts.get("total").asInt());
        }
    }

    /** Every batch that a client has begun to send, by its key. */
    Map<String, BatchPlan> planned() {
        return planned;
    }

    /** Every batch that the service has answered for, by its id. */
    Map<String, BatchPlan> acknowledged() {
        return acknowledged;
    }

    /** Result lines that clients have seen, by id and index. */
    Map<String, String> linesRead() {
        return linesRead;
    }
}
