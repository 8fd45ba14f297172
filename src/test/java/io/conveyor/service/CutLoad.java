package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Clients that submit, read, cancel and delete, and write down every request and its answer: the witnesses of a recording.
 * What they wrote down may be read after {@link #run}.
 *
 * <p><b>Threads and state.</b> {@value #CLIENTS} clients, each with one request at a time; each ends with its part of the
 * requests.
 */
final class CutLoad {

    private static final int CLIENTS = 4;

    /** Milliseconds of a job, and jobs of a batch, that a cancel finds unfinished. */
    private static final int SLOW_MILLIS = 120;

    private static final int SLOW_JOBS = 24;

    private static final int LARGEST_UPLOAD = 700;

    /** What a request was about. */
    enum Matter {
        SUBMIT,
        RESULTS,
        BATCH,
        CANCEL,
        DELETE
    }

    /**
     * A request and its answer.
     *
     * @param request its id, which goes back in the answer
     * @param before the request of the same client before it, which had been answered when this one was sent
     * @param id the batch
     * @param plan what was submitted; null for other requests
     * @param body of the answer
     */
    record Exchange(
            String request,
            @Nullable String before,
            Matter matter,
            String id,
            @Nullable BatchPlan plan,
            String body) {}

    private final ServiceProcess service;
    private final Queue<Exchange> exchanges = new ConcurrentLinkedQueue<>();
    private final Queue<String> accepted = new ConcurrentLinkedQueue<>();
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final AtomicInteger left;
    private final List<Thread> threads = new ArrayList<>();

    /** @param requests how many of them all clients send together */
    CutLoad(ServiceProcess service, int requests, SplittableRandom random) {
        this.service = service;
        left = new AtomicInteger(requests);
        for (int number = 1; number <= CLIENTS; number++) {
            Client client = new Client("c" + number, random.split());
            threads.add(new Thread(client, client.name));
        }
    }

    /** Returns when all requests have been answered; all exchanges. */
    List<Exchange> run() throws InterruptedException {
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        return List.copyOf(exchanges);
    }

    /** The request that hands a plan in; the same for the same plan. */
    static HttpRequest.Builder submission(ServiceProcess service, BatchPlan plan) {
        boolean lines = plan.seed() % 3 == 0;
        String path = "/v1/batches" + (plan.ownId() ? "/" + plan.key() : "") + (lines ? "?name=" + plan.key() : "");
        HttpRequest.Builder request =
                service.request(path).header("Content-Type", lines ? "application/x-ndjson" : "application/json");
        if (!plan.ownId()) {
            request.header("Idempotency-Key", plan.key());
        }
        return request.method(
                plan.ownId() ? "PUT" : "POST", BodyPublishers.ofString(lines ? plan.lines() : plan.body()));
    }

    /** One client. Its fields belong to its thread. */
    private final class Client implements Runnable {

        private final String name;
        private final SplittableRandom random;
        private final List<String> ended = new ArrayList<>();
        private int requests;
        private @Nullable String last;

        Client(String name, SplittableRandom random) {
            this.name = name;
            this.random = random;
        }

        @Override
        public void run() {
            try {
                while (left.getAndDecrement() > 0) {
                    one();
                }
            } catch (IOException | InterruptedException | RuntimeException | AssertionError e) {
                failures.add(e);
            }
        }

        private void one() throws IOException, InterruptedException {
            switch (random.nextInt(12)) {
                case 0, 1 -> {
                    String any = any();
                    ask(Matter.RESULTS, any, null, service.request("/v1/batches/" + any + "/results"), 200, 404);
                }
                case 2 -> {
                    String id = submit(plan(random.nextInt(2, 30), 0), "respond-async");
                    ask(Matter.BATCH, id, null, service.request("/v1/batches/" + id + "?wait=30"), 200);
                    ended.add(id);
                }
                case 3 -> {
                    String id = submit(plan(SLOW_JOBS, SLOW_MILLIS), "respond-async");
                    ask(Matter.CANCEL, id, null, posted("/v1/batches/" + id + "/cancel"), 202, 200);
                }
                case 4 -> {
                    if (!ended.isEmpty()) {
                        String id = ended.remove(0);
                        ask(
                                Matter.DELETE,
                                id,
                                null,
                                service.request("/v1/batches/" + id).DELETE(),
                                204);
                    }
                }
                case 5 -> submit(plan(random.nextInt(300, LARGEST_UPLOAD), 0), "respond-async");
                default -> submit(plan(random.nextInt(1, 20), 0), random.nextInt(2) == 0 ? "wait=1" : "respond-async");
            }
        }

        private HttpRequest.Builder posted(String path) {
            return service.request(path).POST(BodyPublishers.noBody());
        }

        private String any() throws IOException, InterruptedException {
            List<String> ids = List.copyOf(accepted);
            return ids.isEmpty() ? submit(plan(5, 0), "wait=1") : ids.get(random.nextInt(ids.size()));
        }

        private BatchPlan plan(int size, int millis) {
            String key = name + "-" + (requests + 1);
            return new BatchPlan(key, random.nextBoolean(), random.nextLong(), size, millis);
        }

        private String submit(BatchPlan plan, String preference) throws IOException, InterruptedException {
            HttpRequest.Builder request = submission(service, plan).header("Prefer", preference);
            String id = ask(Matter.SUBMIT, null, plan, request, 200, 202);
            accepted.add(id);
            return id;
        }

        /** The batch that the answer is about. */
        private String ask(
                Matter matter,
                @Nullable String about,
                @Nullable BatchPlan plan,
                HttpRequest.Builder request,
                Integer... good)
                throws IOException, InterruptedException {
            String number = name + "-request-" + ++requests;
            HttpResponse<String> answer = service.send(request.header("X-Request-Id", number));
            assertThat(answer.statusCode()).as("%s %s", matter, answer.body()).isIn((Object[]) good);
            String id = about == null
                    ? ServiceProcess.JSON.readTree(answer.body()).get("id").asString()
                    : about;
            if (answer.statusCode() != 404) {
                exchanges.add(new Exchange(number, last, matter, id, plan, answer.body()));
                last = number;
            }
            return id;
        }
    }
}
