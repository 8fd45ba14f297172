package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.springframework.test.context.TestPropertySource;

/**
 * Requests made out of the service's own document, right and wrong ones. Whatever is sent, the answer is one that the
 * document knows ({@link Api} looks), it is never a fault of ours, what is taken is what the document allows, and what is
 * refused leaves nothing behind. {@code -Dfuzz.requests=100000} sends more, {@code -Dfuzz.seed=N} the same again.
 */
@TestPropertySource(
        properties = {"conveyor.job.timeout=50ms", "conveyor.job.backoff.first=1ms", "conveyor.job.backoff.longest=2ms"
        })
class DocumentFuzzTest extends ServiceTest {

    private static final int REQUESTS = Integer.getInteger("fuzz.requests", 1500);

    /** Enough to work on. */
    private static final int MOST_COMPLAINTS = 20;

    @SuppressWarnings("NullAway.Init")
    DocumentFuzzTest() {}

    @Test
    void everyAnswerIsInTheDocumentAndNoneIsAFault() {
        long seed = Long.getLong("fuzz.seed", System.nanoTime());
        System.out.println("DocumentFuzzTest seed " + seed);
        DocumentedRequests requests =
                new DocumentedRequests(api.get("/v3/api-docs").json(), seed);
        Map<String, Map<Integer, Integer>> answers = new TreeMap<>();
        Map<String, String> complaints = new TreeMap<>();
        for (int n = 0; n < REQUESTS && complaints.size() < MOST_COMPLAINTS; n++) {
            DocumentedRequests.Made request = requests.next();
            try {
                int status = send(request);
                if (request.fresh() && status < 400 && !isCheck(request)) {
                    requests.made(request.path());
                }
                answers.computeIfAbsent(request.operation(), operation -> new TreeMap<>())
                        .merge(status, 1, Integer::sum);
            } catch (AssertionError | CompletionException e) {
                complaints.putIfAbsent(
                        request.operation() + String.valueOf(e.getMessage()).replaceAll("(?s).*Expecting", ""),
                        request + "\n" + e.getMessage());
            }
        }
        System.out.println("DocumentFuzzTest: " + answers);
        assertThat(complaints.values()).isEmpty();
        assertThat(answers.keySet()).containsAll(requests.operations());
        assertThat(answers.get("put /v1/batches/{id}").keySet())
                .as("batches were made, and refused")
                .contains(202)
                .anyMatch(status -> status >= 400);
    }

    /** Whether it asks only what would become of it. */
    private static boolean isCheck(DocumentedRequests.Made request) {
        return request.path().contains("validate_only=true");
    }

    /** Returns the status of the answer when nothing is wrong with it. */
    private int send(DocumentedRequests.Made request) {
        Api.Reply reply = api.send(request.method(), request.path(), request.body(), request.headers())
                .join();
        assertThat(reply.status()).as("%s: %s", request, reply.body()).isLessThan(500);
        if (request.fresh() && (reply.status() >= 400 || isCheck(request))) {
            assertThat(api.get(request.path().replaceFirst("\\?.*", "")).status())
                    .as("%s was not taken: %s", request, reply.body())
                    .isEqualTo(404);
        }
        if (request.path().endsWith("/pause") && reply.status() == 200) {
            String resume = request.path().replace("/pause", "/resume");
            assertThat(api.send("POST", resume, null).join().status()).isEqualTo(200);
        }
        return reply.status();
    }
}
