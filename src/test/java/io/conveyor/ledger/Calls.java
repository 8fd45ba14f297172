package io.conveyor.ledger;

import io.conveyor.ledger.Books.Answer;
import io.conveyor.service.ServiceProcess;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** How clients talk to the service of the moment: each request and its answer is written down. Thread-safe. */
public final class Calls {

    /** Longer than the longest halt, so that only a request whose process has died, or that is forgotten, has no answer. */
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(TIMEOUT)
            .build();
    private final ConcurrentMap<String, LongAdder> counts = new ConcurrentSkipListMap<>();
    private final Lives lives;
    private final ClientBook book;
    private final Journal journal;

    Calls(Lives lives, ClientBook book, Journal journal) {
        this.lives = lives;
        this.book = book;
        this.journal = journal;
    }

    /**
     * An answer, or that there was none.
     *
     * @param status 0 if the connection broke
     */
    public record Reply(int status, String body, long sentAt, long answeredAt) {

        public JsonNode json() {
            return ServiceProcess.JSON.readTree(body);
        }

        /** The status, or 0 as without an answer when this one leaves open what is kept of the request. */
        int certain() {
            boolean open = status >= 400 && body.startsWith("{") && json().has("kept");
            return open ? 0 : status;
        }
    }

    /** Null while no process is there to be asked. */
    private URI uri(String path) {
        int port = lives.port();
        return port == 0 ? null : URI.create("http://127.0.0.1:" + port + path);
    }

    public Reply get(String path, String... headers) throws InterruptedException {
        return ask("GET", path, "", headers);
    }

    public Reply ask(String method, String path, String body, String... headers) throws InterruptedException {
        long sentAt = Moment.now();
        URI uri = uri(path);
        if (uri == null) {
            return new Reply(0, "", sentAt, sentAt);
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .timeout(TIMEOUT)
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        Reply reply;
        try {
            HttpResponse<String> answer = http.send(request.build(), BodyHandlers.ofString());
            reply = new Reply(answer.statusCode(), answer.body(), sentAt, Moment.now());
        } catch (IOException e) {
            reply = new Reply(0, e.toString(), sentAt, Moment.now());
        }
        log(method, path, reply.status(), reply);
        return reply;
    }

    private void log(String method, String path, int status, Reply reply) {
        counts.computeIfAbsent(status == 0 ? "none" : String.valueOf(status), each -> new LongAdder())
                .increment();
        String more = status >= 400 || status == 0 ? " " + reply.body() : "";
        long took = Moment.millis(reply.answeredAt() - reply.sentAt());
        journal.write("%s %s: %d, %d ms%s".formatted(method, path, status, took, more));
    }

    /** The body of a 200 as it comes; null without one. */
    public InputStream stream(String path, String... headers) throws InterruptedException {
        return stream("GET", path, BodyPublishers.noBody(), headers);
    }

    /** Results on the connection that brings their jobs, as they come; null without an answer of 200. */
    public InputStream exchange(String path, String lines) throws InterruptedException {
        String type = "application/x-ndjson";
        return stream("POST", path, BodyPublishers.ofString(lines), "Content-Type", type, "Accept", type);
    }

    private InputStream stream(String method, String path, HttpRequest.BodyPublisher sent, String... headers)
            throws InterruptedException {
        long sentAt = Moment.now();
        URI uri = uri(path);
        if (uri == null) {
            return null;
        }
        HttpRequest.Builder request =
                HttpRequest.newBuilder(uri).timeout(TIMEOUT).method(method, sent);
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            HttpResponse<InputStream> answer = http.send(request.build(), BodyHandlers.ofInputStream());
            log(method, path, answer.statusCode(), new Reply(answer.statusCode(), "a stream", sentAt, Moment.now()));
            if (answer.statusCode() == 200) {
                return answer.body();
            }
            answer.body().close();
        } catch (IOException e) {
            log(method, path, 0, new Reply(0, e.toString(), sentAt, Moment.now()));
        }
        return null;
    }

    /** Hands a batch in, the same way each time, and writes down what was said. */
    Answer submit(Plan plan, String preference) throws InterruptedException {
        book.planned(plan);
        String[] headers = plan.ownId()
                ? new String[] {"Content-Type", plan.contentType(), "Prefer", preference}
                : new String[] {"Content-Type", plan.contentType(), "Prefer", preference, "Idempotency-Key", plan.key()
                };
        Reply reply = ask(plan.method(), plan.path(), plan.body(), headers);
        String id = "";
        if (reply.status() / 100 == 2) {
            JsonNode batch = reply.json();
            id = batch.get("id").asString();
            view(reply);
        }
        Answer answer = new Answer(plan.key(), reply.sentAt(), reply.answeredAt(), reply.certain(), id);
        book.answered(answer);
        return answer;
    }

    /** A batch that was read. */
    void view(Reply reply) {
        JsonNode batch = reply.json();
        if (batch instanceof tools.jackson.databind.node.ObjectNode object) {
            object.remove("results");
            book.view(reply.sentAt(), object);
        }
    }

    void line(String id, String text) {
        book.line(id, ServiceProcess.JSON.readTree(text).get("index").asInt(), text);
    }

    /** One of the batches, rather a late one; nothing before there is one. */
    public String someId(SplittableRandom random) {
        return book.someId(random);
    }

    ClientBook book() {
        return book;
    }

    boolean up() {
        return lives.up();
    }

    /** Answers by status. */
    Map<String, Long> counts() {
        return counts.entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, each -> each.getValue().sum(), (a, b) -> a, java.util.TreeMap::new));
    }
}
