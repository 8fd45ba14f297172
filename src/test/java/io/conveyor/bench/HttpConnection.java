package io.conveyor.bench;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * One HTTP/1.1 connection that is kept alive, on a blocking socket: as little work as a client can do, so that the
 * server's is what is measured. Knows only what our two servers send. Not thread-safe.
 */
final class HttpConnection implements AutoCloseable {

    /** Only ends a run that has failed already. */
    private static final int TIMEOUT_MILLIS = 90_000;

    private final Socket socket = new Socket();
    private final InputStream in;
    private final OutputStream out;

    // Mutable state: buffer[position, end) is what came and was not looked at; body[0, size) is the last answer's body
    private final byte[] buffer = new byte[64 * 1024];
    private int position;
    private int end;
    private String head = "";
    private byte[] body = new byte[64 * 1024];
    private int size;

    HttpConnection(int port) throws IOException {
        try {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(TIMEOUT_MILLIS);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            in = socket.getInputStream();
            out = socket.getOutputStream();
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    static byte[] get(String path) {
        return request("GET", path, "", "");
    }

    static byte[] delete(String path) {
        return request("DELETE", path, "", "");
    }

    /** A request whose body is a file of lines, as {@code curl -T} sends it. */
    static byte[] put(String path, byte[] lines) {
        return upload("PUT", path, lines);
    }

    /** The same as a POST. */
    static byte[] post(String path, byte[] lines) {
        return upload("POST", path, lines);
    }

    private static byte[] upload(String method, String path, byte[] lines) {
        byte[] head = (method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                        + "Content-Length: " + lines.length + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        byte[] request = Arrays.copyOf(head, head.length + lines.length);
        System.arraycopy(lines, 0, request, head.length, lines.length);
        return request;
    }

    static byte[] post(String path, String headers, String json) {
        return request("POST", path, headers + "Content-Type: application/json\r\n", json);
    }

    private static byte[] request(String method, String path, String headers, String body) {
        String length = body.isEmpty() ? "" : "Content-Length: " + body.length() + "\r\n";
        return (method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + length + "\r\n" + body)
                .getBytes(StandardCharsets.US_ASCII);
    }

    /** Sends a request, reads the whole answer, and returns its status. */
    int exchange(byte[] request) throws IOException {
        out.write(request);
        position = 0;
        end = 0;
        size = 0;
        readHead();
        String length = header("content-length");
        if (!length.isEmpty()) {
            readBody(Integer.parseInt(length));
        } else if (header("transfer-encoding").equals("chunked")) {
            readChunks();
        }
        return Integer.parseInt(head, 9, 12, 10);
    }

    /**
     * Sends a request whose answer, of status 200 and in chunks, is read and not kept.
     *
     * @return its bytes, and its lines
     */
    long[] drain(byte[] request) throws IOException {
        out.write(request);
        position = 0;
        end = 0;
        readHead();
        if (!head.startsWith("HTTP/1.1 200") || !header("transfer-encoding").equals("chunked")) {
            throw new IOException("This is no stream: " + head);
        }
        long[] counts = new long[2];
        for (int length = chunkLength(); length > 0; length = chunkLength()) {
            pass(length, counts);
            skipLine();
        }
        skipLine();
        return counts;
    }

    private void pass(int length, long[] counts) throws IOException {
        int left = length;
        while (left > 0) {
            if (position == end) {
                position = 0;
                end = 0;
                fill();
            }
            int here = Math.min(left, end - position);
            for (int i = position; i < position + here; i++) {
                counts[1] += buffer[i] == '\n' ? 1 : 0;
            }
            position += here;
            left -= here;
            counts[0] += here;
        }
    }

    /**
     * Sends a request that must have that status.
     *
     * @return the body
     */
    String expect(int status, byte[] request) throws IOException {
        int answered = exchange(request);
        if (answered != status) {
            throw new IOException("The answer is " + answered + " instead of " + status + ": " + body());
        }
        return body();
    }

    String body() {
        return new String(body, 0, size, StandardCharsets.UTF_8);
    }

    /** A header of the last answer, empty if it has none; the name in lower case. */
    String header(String name) {
        int at = head.toLowerCase(Locale.ROOT).indexOf("\r\n" + name + ":");
        return at < 0
                ? ""
                : head.substring(at + name.length() + 3, head.indexOf("\r\n", at + 2))
                        .strip();
    }

    private void readHead() throws IOException {
        int seen = 0;
        while (true) {
            for (; seen + 3 < end; seen++) {
                if (buffer[seen] == '\r' && buffer[seen + 2] == '\r' && buffer[seen + 3] == '\n') {
                    head = new String(buffer, 0, seen + 2, StandardCharsets.ISO_8859_1);
                    position = seen + 4;
                    return;
                }
            }
            fill();
        }
    }

    private void readChunks() throws IOException {
        for (int length = chunkLength(); length > 0; length = chunkLength()) {
            readBody(length);
            skipLine();
        }
        skipLine();
    }

    private int chunkLength() throws IOException {
        int length = 0;
        for (int digit = Character.digit(next(), 16); digit >= 0; digit = Character.digit(next(), 16)) {
            length = 16 * length + digit;
        }
        next();
        return length;
    }

    private void skipLine() throws IOException {
        next();
        next();
    }

    private int next() throws IOException {
        if (position == end) {
            position = 0;
            end = 0;
            fill();
        }
        return buffer[position++];
    }

    private void readBody(int length) throws IOException {
        if (body.length < size + length) {
            body = Arrays.copyOf(body, Math.max(size + length, 2 * body.length));
        }
        int here = Math.min(length, end - position);
        System.arraycopy(buffer, position, body, size, here);
        position += here;
        if (in.readNBytes(body, size + here, length - here) < length - here) {
            throw new EOFException("The server closed the connection inside a body");
        }
        size += length;
    }

    private void fill() throws IOException {
        int n = in.read(buffer, end, buffer.length - end);
        if (n <= 0) {
            throw new EOFException("The server closed the connection");
        }
        end += n;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
