package io.conveyor.ledger;

import io.conveyor.ledger.Books.Answer;
import io.conveyor.service.RawUpload;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/** What clients do that mean no good, or know no better. Has no state. */
final class ClientFaults {

    static final List<Fault> ALL = List.of(new SlowClients(), new CutUploads(), new HostileBodies(), new Crowd());

    private ClientFaults() {}

    /** Senders that trickle, and readers that never read, for some seconds. */
    private static final class SlowClients implements Fault {

        private static final int EACH = 20;
        private static final int TURNS = 20;

        @Override
        public String name() {
            return "clients that trickle or never read";
        }

        @Override
        public void strike(Scene scene) throws IOException, InterruptedException {
            Plan large = scene.planner().lines();
            scene.calls().submit(large, "respond-async");
            String get = "GET /v1/batches/" + large.key() + "/results?follow=true HTTP/1.1\r\nHost: a\r\n\r\n";
            String put = "PUT /v1/batches/" + large.key() + "-slow HTTP/1.1\r\nHost: a\r\n"
                    + "Content-Type: application/x-ndjson\r\nContent-Length: 1000000\r\n\r\n";
            List<Socket> sockets = new ArrayList<>();
            try {
                for (int n = 0; n < 2 * EACH; n++) {
                    Socket socket = new Socket();
                    sockets.add(socket);
                    socket.setReceiveBufferSize(2048);
                    socket.connect(new InetSocketAddress(
                            InetAddress.getLoopbackAddress(), scene.lives().port()));
                    send(socket, n < EACH ? put : get);
                }
                for (int turn = 0; turn < TURNS; turn++) {
                    for (Socket sender : sockets.subList(0, EACH)) {
                        send(sender, "{");
                    }
                    Scene.pause(200);
                }
            } finally {
                for (Socket socket : sockets) {
                    socket.close();
                }
            }
        }

        private static void send(Socket socket, String text) throws IOException {
            OutputStream out = socket.getOutputStream();
            out.write(text.getBytes(StandardCharsets.US_ASCII));
            out.flush();
        }
    }

    /** Connections that end in the middle of a body: nothing of it is there, or of a live upload what had come. */
    private static final class CutUploads implements Fault {

        private static final int COUNT = 12;

        @Override
        public String name() {
            return "uploads cut off";
        }

        @Override
        public void strike(Scene scene) throws IOException {
            for (int n = 0; n < COUNT; n++) {
                Plan plan = scene.planner().lines();
                scene.calls().book().planned(plan);
                byte[] body = plan.body().getBytes(StandardCharsets.UTF_8);
                long sentAt = Moment.now();
                URI uri = scene.lives().process().uri(plan.path());
                boolean chunked = scene.random().nextBoolean();
                try (RawUpload upload = new RawUpload(uri, body, chunked, "Content-Type: " + plan.contentType())) {
                    upload.sendUpTo(scene.random().nextInt(body.length));
                }
                scene.calls().book().answered(new Answer(plan.key(), sentAt, Moment.now(), 0, ""));
            }
        }
    }

    /** Bodies that want to exhaust somebody: each is refused, and nothing of it is there. */
    private static final class HostileBodies implements Fault {

        private static final HttpClient HTTP =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

        @Override
        public String name() {
            return "hostile bodies";
        }

        @Override
        public void strike(Scene scene) throws IOException, InterruptedException {
            refused(scene, "deep", "application/json", "{\"jobs\":" + "[".repeat(200_000), "");
            StringBuilder keys = new StringBuilder("{\"jobs\":[],\"metadata\":{\"k\":1");
            for (int n = 0; n < 300_000; n++) {
                keys.append(",\"k").append(n).append("\":1");
            }
            refused(scene, "keys", "application/json", keys.append("}}").toString(), "");
            refused(scene, "bomb", "application/json", "{\"jobs\":[" + " ".repeat(40_000_000), "gzip");
            refused(scene, "numbers", "application/json", "{\"jobs\":[" + "9".repeat(1_000_000), "");
        }

        private static void refused(Scene scene, String id, String type, String body, String encoding)
                throws IOException, InterruptedException {
            byte[] bytes = body.getBytes(StandardCharsets.US_ASCII);
            HttpRequest.Builder request = HttpRequest.newBuilder(
                            scene.lives().process().uri("/v1/batches/hostile-" + id))
                    .timeout(Duration.ofSeconds(30))
                    .header("Content-Type", type)
                    .PUT(BodyPublishers.ofByteArray(encoding.isEmpty() ? bytes : gzip(bytes)));
            if (!encoding.isEmpty()) {
                request.header("Content-Encoding", encoding);
            }
            int status;
            try {
                HttpResponse<String> answer = HTTP.send(request.build(), BodyHandlers.ofString());
                status = answer.statusCode();
            } catch (IOException e) {
                status = 400; // the connection was closed before all was sent
            }
            int there = scene.calls().get("/v1/batches/hostile-" + id).status();
            if (status / 100 != 4 || there != 404) {
                throw new AssertionError(id + ": answered with " + status + ", then " + there);
            }
        }

        private static byte[] gzip(byte[] bytes) throws IOException {
            ByteArrayOutputStream packed = new ByteArrayOutputStream();
            try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
                out.write(bytes);
            }
            return packed.toByteArray();
        }
    }

    /** Many who submit at once: the crew and its queue are full, and callers run jobs themselves. */
    private static final class Crowd implements Fault {

        private static final int COUNT = 30;

        @Override
        public String name() {
            return "a crowd";
        }

        @Override
        public void strike(Scene scene) throws InterruptedException {
            List<Thread> threads = new ArrayList<>();
            for (int n = 0; n < COUNT; n++) {
                Plan plan = scene.planner().crowd();
                threads.add(new Thread(
                        () -> {
                            try {
                                scene.calls().submit(plan, "nothing");
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        },
                        "crowd-" + n));
            }
            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }
        }
    }
}
