package io.conveyor.batch;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A client that sees the very bytes of an answer, and reads them when the test wants it to; its uploads go out in chunks, as
 * the test has them. One thread may send while another reads.
 */
final class RawStream implements Closeable {

    /** Longest wait for bytes that must come, in milliseconds. */
    private static final int PATIENCE_MILLIS = 60_000;

    private final Socket socket = new Socket();
    private final InputStream in;

    /** Bytes of the chunk in hand that are not read yet; -1 before the first. */
    private int left = -1;

    /** Whether the body was ended as a whole one. */
    private boolean whole;

    /** @param receiveBytes size of the receive buffer, or 0 for the system's */
    RawStream(int port, String path, int receiveBytes, String... headers) throws IOException {
        this(port, receiveBytes);
        get(path, headers);
    }

    private RawStream(int port, int receiveBytes) throws IOException {
        if (receiveBytes > 0) {
            socket.setReceiveBufferSize(receiveBytes);
        }
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        in = new BufferedInputStream(socket.getInputStream());
    }

    /**
     * Begins an upload, whose body follows with {@link #send}.
     *
     * @param request method and path
     */
    static RawStream upload(int port, String request, String... headers) throws IOException {
        RawStream stream = new RawStream(port, 0);
        List<String> all = new ArrayList<>(List.of(headers));
        all.add("Transfer-Encoding: chunked");
        stream.begin(request, all);
        return stream;
    }

    /** Asks once more on the same connection; call when the answer before has been read. */
    void get(String path, String... headers) throws IOException {
        left = -1;
        whole = false;
        begin("GET " + path, List.of(headers));
    }

    private void begin(String request, List<String> headers) throws IOException {
        StringBuilder head = new StringBuilder(request + " HTTP/1.1\r\nHost: a\r\n");
        for (String each : headers) {
            head.append(each).append("\r\n");
        }
        write(head + "\r\n");
    }

    /** Sends the next part of the body as a chunk. */
    void send(String text) throws IOException {
        write(Integer.toHexString(text.getBytes(StandardCharsets.UTF_8).length) + "\r\n" + text + "\r\n");
    }

    /** Sends the end of the body. */
    void sendEnd() throws IOException {
        write("0\r\n\r\n");
    }

    /** Sends text as it is, be it HTTP or not. */
    void write(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    }

    /** The status line and the headers, in lower case. */
    List<String> head() throws IOException {
        List<String> head = new ArrayList<>();
        for (String line = crlfLine(); !line.isEmpty(); line = crlfLine()) {
            head.add(line.toLowerCase(Locale.ROOT));
        }
        return head;
    }

    private String crlfLine() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("cut in the framing after '" + line + "'");
            }
            line.append((char) c);
        }
        return line.toString().strip();
    }

    /** The next byte of the body; -1 at the end of a whole body. */
    private int body() throws IOException {
        while (!whole && left <= 0) {
            if (left == 0) {
                crlfLine();
            }
            left = Integer.parseInt(crlfLine(), 16);
            if (left == 0) {
                crlfLine();
                whole = true;
            }
        }
        if (whole) {
            return -1;
        }
        int c = in.read();
        if (c < 0) {
            throw new EOFException("cut within a chunk");
        }
        left--;
        return c;
    }

    /** The next line of the body without its line feed, or null at the end of a whole body. */
    @Nullable
    String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int c = body(); c >= 0; c = body()) {
            if (c == '\n') {
                return line.toString(StandardCharsets.UTF_8);
            }
            line.write(c);
        }
        return null;
    }

    /** All lines that are left. */
    List<String> lines() throws IOException {
        List<String> lines = new ArrayList<>();
        for (String line = line(); line != null; line = line()) {
            lines.add(line);
        }
        return lines;
    }

    /** Whether the body was ended as a whole one. */
    boolean isWhole() {
        return whole;
    }

    /** Goes away without a word: the other side is told that the connection is reset. */
    void reset() throws IOException {
        socket.setOption(StandardSocketOptions.SO_LINGER, 0);
        socket.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
