package io.conveyor.ledger;

import io.conveyor.ledger.Books.End;
import io.conveyor.ledger.Calls.Reply;
import io.conveyor.service.ServiceProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import tools.jackson.databind.JsonNode;

/**
 * Reads batches and results in every way there is, and writes down what it reads. One thread.
 *
 * <p><b>Threads and state.</b> A thread for all readers cuts streams that last too long, as clients do that go away.
 */
final class Reader implements Clients.Turn {

    /** Seconds: a batch that is paused has a stream without an end. */
    private static final int LONGEST_STREAM = 6;

    private static final ScheduledExecutorService CUTTER = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "cutter");
        thread.setDaemon(true);
        return thread;
    });

    private final Calls calls;
    private final SplittableRandom random;

    Reader(Calls calls, SplittableRandom random) {
        this.calls = calls;
        this.random = random;
    }

    @Override
    public void take() throws InterruptedException {
        String id = calls.book().someId(random);
        if (id.isEmpty() || !calls.up()) {
            return;
        }
        String path = "/v1/batches/" + id;
        switch (random.nextInt(9)) {
            case 0, 1, 2 -> view(path);
            case 3 -> view(path + "?wait=1");
            case 4 -> lines(id, path + "/results");
            case 5 -> lines(id, path + "/results?order=completion&limit=" + random.nextInt(1, 200));
            case 6 -> follow(id, path + "/results?follow=true");
            case 7 -> follow(id, path + "/results?follow=true&order=completion");
            default -> events(id, path + "/events");
        }
    }

    private void view(String path) throws InterruptedException {
        Reply reply = calls.get(path);
        if (reply.status() == 200) {
            calls.view(reply);
        }
    }

    private void lines(String id, String path) throws InterruptedException {
        Reply reply = calls.get(path);
        if (reply.status() == 200) {
            reply.body().lines().filter(line -> !line.isBlank()).forEach(line -> calls.line(id, line));
        }
    }

    private interface Each {
        void line(String line);
    }

    /** Whether the stream came to an end of its own. */
    private boolean stream(String path, Each each) throws InterruptedException {
        InputStream body = calls.stream(path);
        if (body == null) {
            return false;
        }
        AtomicBoolean cut = new AtomicBoolean();
        Future<?> cutter = CUTTER.schedule(() -> cut(body, cut), LONGEST_STREAM, TimeUnit.SECONDS);
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (cut.get()) {
                    return false;
                }
                if (!line.isBlank()) {
                    each.line(line);
                }
            }
            return !cut.get();
        } catch (IOException e) {
            return false; // broken, and said so
        } finally {
            cutter.cancel(false);
        }
    }

    private static void cut(InputStream body, AtomicBoolean cut) {
        cut.set(true);
        try {
            body.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A stream that ends well was whole: as many lines as the batch has jobs. */
    private void follow(String id, String path) throws InterruptedException {
        int[] count = {0};
        boolean whole = stream(path, line -> {
            calls.line(id, line);
            count[0]++;
        });
        Reply reply = whole ? calls.get("/v1/batches/" + id) : null;
        if (reply != null && reply.status() == 200) {
            calls.view(reply);
            JsonNode batch = reply.json();
            boolean right = batch.get("state").asString().equals("ended")
                    && count[0] == batch.at("/counts/total").asInt();
            if (!right) {
                throw new AssertionError("A stream of " + count[0] + " lines ended as if it were whole: " + batch);
            }
        }
    }

    private void events(String id, String path) throws InterruptedException {
        int[] ends = {0};
        String[] event = {""};
        String[] text = {""};
        stream(path, line -> {
            if (line.startsWith("event:")) {
                event[0] = line.substring("event:".length()).strip();
            } else if (line.startsWith("data:")) {
                String data = line.substring("data:".length()).strip();
                switch (event[0]) {
                    case "result" -> calls.line(id, data);
                    case "ended" -> {
                        ends[0]++;
                        text[0] = ServiceProcess.JSON.readTree(data).toString();
                    }
                    default -> {} // progress
                }
            }
        });
        if (ends[0] > 0) {
            calls.book().end(new End(id, Moment.now(), ends[0], text[0]));
        }
    }
}
