package io.conveyor.web;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One HTTP exchange byte by byte, for requests that no client library would send. Ends with the connection. */
final class Wire implements AutoCloseable {

    private static final JsonMapper MAPPER = new JsonMapper();

    private final Socket socket;

    Wire(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        // Only ends a test that has failed already.
        socket.setSoTimeout(20_000);
    }

    /** Sends the text and reads until the server closes. */
    static Answer exchange(int port, String request) throws IOException {
        try (Wire wire = new Wire(port)) {
            wire.send(request);
            return wire.readToEnd();
        }
    }

    void send(String text) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(text.getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
    }

    /** Says that no more is coming, and still reads. */
    void finishSending() throws IOException {
        socket.shutdownOutput();
    }

    /** Whether the server closes the connection within so many milliseconds, without a word. */
    boolean endsWithin(int millis) throws IOException {
        socket.setSoTimeout(millis);
        try {
            return socket.getInputStream().read() < 0;
        } catch (SocketTimeoutException e) {
            return false;
        } catch (SocketException e) {
            return true; // reset: it had not read all of what was sent
        }
    }

    Answer readToEnd() throws IOException {
        return new Answer(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    }

    /** Reads up to the empty line that ends a head. */
    String readHead() throws IOException {
        InputStream in = socket.getInputStream();
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int b = in.read();
            if (b < 0) {
                break;
            }
            head.append((char) b);
        }
        return head.toString();
    }

    /** Reads a body of so many bytes. */
    String readBody(int bytes) throws IOException {
        byte[] body = socket.getInputStream().readNBytes(bytes);
        if (body.length < bytes) {
            throw new EOFException("The connection ended after " + body.length + " of " + bytes + " bytes");
        }
        return new String(body, StandardCharsets.UTF_8);
    }

    /** Reads a chunked body of ASCII; the number of its bytes. */
    int readChunks() throws IOException {
        int bytes = 0;
        for (int size = chunkSize(); size > 0; size = chunkSize()) {
            bytes += readBody(size).length();
            readBody(2);
        }
        readBody(2);
        return bytes;
    }

    private int chunkSize() throws IOException {
        StringBuilder line = new StringBuilder();
        while (line.indexOf("\r\n") < 0) {
            line.append(readBody(1));
        }
        return Integer.parseInt(line.toString().trim(), 16);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    /** All that came back. */
    record Answer(String text) {

        int status() {
            return Integer.parseInt(text.split(" ", 3)[1]);
        }

        Optional<String> header(String name) {
            String prefix = name.toLowerCase(Locale.ROOT) + ":";
            return headers().stream()
                    .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(prefix))
                    .map(line -> line.substring(prefix.length()).trim())
                    .findFirst();
        }

        List<String> headers() {
            String[] lines = text.split("\r\n\r\n", 2)[0].split("\r\n", -1);
            return Arrays.asList(lines).subList(1, lines.length);
        }

        String body() {
            return text.split("\r\n\r\n", 2)[1];
        }

        JsonNode json() {
            return MAPPER.readTree(body());
        }
    }
}
