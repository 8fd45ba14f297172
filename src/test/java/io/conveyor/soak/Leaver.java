package io.conveyor.soak;

import io.conveyor.ledger.Calls;
import io.conveyor.ledger.Calls.Reply;
import io.conveyor.ledger.Clients;
import io.conveyor.service.ServiceProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * Asks for what takes long and goes away before it comes: long polls, streams and events, of batches that go on and of one that
 * stands still for as long as the run takes, so that nothing but the leaving itself can clear up behind it. One thread.
 */
final class Leaver implements Clients.Turn {

    /** A batch that is paused before it is through. */
    private static final String STANDING = "standing-still";

    private static final String JOBS = "{\"max_concurrency\":1,\"jobs\":[{\"kind\":\"sleep\",\"input\":{\"ms\":1500}}"
            + ",{\"kind\":\"echo\"}".repeat(9) + "]}";

    private final ServiceProcess service;
    private final Calls calls;
    private final SplittableRandom random;

    // Mutable state
    private boolean stands;

    Leaver(ServiceProcess service, Calls calls, SplittableRandom random) {
        this.service = service;
        this.calls = calls;
        this.random = random;
    }

    @Override
    public void take() throws InterruptedException {
        if (!stands) {
            calls.ask(
                    "PUT",
                    "/v1/batches/" + STANDING,
                    JOBS,
                    "Content-Type",
                    "application/json",
                    "Prefer",
                    "respond-async");
            Reply paused = calls.ask("POST", "/v1/batches/" + STANDING + "/pause", "");
            if (!paused.json().path("state").asString("").equals("paused")) {
                throw new AssertionError("It does not stand still: " + paused);
            }
            stands = true;
        }
        String some = calls.someId(random);
        String id = some.isEmpty() || random.nextInt(3) > 0 ? STANDING : some;
        int wait = random.nextInt(1, 8);
        leave("/v1/batches/" + id
                + switch (random.nextInt(6)) {
                    case 0, 1, 2 -> "?wait=" + wait;
                    case 3 -> "/results/" + random.nextInt(1, 9) + "?wait=" + wait;
                    case 4 -> "/results?follow=true" + (random.nextBoolean() ? "&order=completion" : "");
                    default -> "/events";
                });
    }

    /** With a farewell, or without one: then the connection is reset. */
    private void leave(String path) throws InterruptedException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(
                    InetAddress.getLoopbackAddress(), service.uri("/").getPort()));
            String request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            socket.setSoLinger(random.nextBoolean(), 0);
            TimeUnit.MILLISECONDS.sleep(random.nextInt(100));
        } catch (IOException e) {
            // The service was first.
        }
    }
}
