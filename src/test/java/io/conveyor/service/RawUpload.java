package io.conveyor.service;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;

/**
 * An upload whose bytes leave when the test says so. Sending belongs to one thread; {@link #status} is thread-safe.
 *
 * <p><b>Threads and state.</b> One thread waits for the status line of the answer, and ends with it or with the connection.
 */
public final class RawUpload implements Closeable {

    /** Bytes of one chunk, and of one write. */
    private static final int PIECE = 16 * 1024;

    private final Socket socket = new Socket();
    private final OutputStream out;
    private final byte[] body;
    private final boolean chunked;

    /** The status, or 0 if the connection ended without one. */
    private final CompletableFuture<Integer> status = new CompletableFuture<>();

    // Mutable state
    private int sent;

    public RawUpload(URI target, byte[] body, boolean chunked, String... headers) throws IOException {
        this.body = body;
        this.chunked = chunked;
        socket.connect(new InetSocketAddress(target.getHost(), target.getPort()));
        out = socket.getOutputStream();
        String query = target.getRawQuery() == null ? "" : "?" + target.getRawQuery();
        StringBuilder head = new StringBuilder("PUT " + target.getRawPath() + query + " HTTP/1.1\r\nHost: a\r\n");
        for (String header : headers) {
            head.append(header).append("\r\n");
        }
        head.append(chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + body.length);
        out.write(head.append("\r\n\r\n").toString().getBytes(StandardCharsets.US_ASCII));
        Thread reader = new Thread(this::readStatus, "answer to an upload");
        reader.setDaemon(true);
        reader.start();
    }

    private void readStatus() {
        int answered = 0;
        try {
            BufferedReader lines =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            String line = lines.readLine();
            answered = line == null ? 0 : Integer.parseInt(line.split(" ", 3)[1]);
        } catch (IOException e) {
            // The service is gone: there is no answer.
        } finally {
            status.complete(answered);
        }
    }

    /** Sends so many bytes of the body that those sent make up the given number. */
    public void sendUpTo(int end) throws IOException {
        ByteArrayInputStream piece = new ByteArrayInputStream(body, sent, end - sent);
        for (byte[] bytes = piece.readNBytes(PIECE); bytes.length > 0; bytes = piece.readNBytes(PIECE)) {
            if (chunked) {
                out.write((Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
            }
            out.write(bytes);
            if (chunked) {
                out.write('\r');
                out.write('\n');
            }
            sent += bytes.length;
        }
    }

    /** Sends the rest, and that it was the rest. */
    public void sendAll() throws IOException {
        sendUpTo(body.length);
        if (chunked) {
            out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        }
    }

    /** Completes with the status of the answer, or with 0 when the connection has ended without one. */
    public CompletableFuture<Integer> status() {
        return status;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
