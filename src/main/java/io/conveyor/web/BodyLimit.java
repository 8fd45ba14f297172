package io.conveyor.web;

import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.InputStream;
import java.util.Collections;
import java.util.Locale;
import org.springframework.http.HttpHeaders;

/**
 * The body of a request as a stream that ends in a 413 where it passes its limit. If the Content-Length already says so,
 * the refusal comes before a byte is read, and a client that waits for {@code 100 Continue} has sent nothing. Not safe
 * for use by several threads at once, like any stream.
 */
public final class BodyLimit extends InputStream {

    private final InputStream body;
    private final long limit;

    // Mutable state: bytes handed out so far; only the reading thread touches it.
    private long count;

    private BodyLimit(InputStream body, long limit) {
        this.body = body;
        this.limit = limit;
    }

    /**
     * The body of a request, unpacked if it is gzip, of which at most so many bytes can be read.
     *
     * @param request tells the length and the encoding
     * @param body what is read: the request's own stream, or one in its place
     * @param limitBytes bytes at the most, counted as they are read here: unpacked
     * @param maxGzipRatio how many times its own size a gzip body may have unpacked; see {@link GzipBody}
     * @throws ApiException if the header tells that it is larger, or encoded otherwise; later, out of a read, when more
     *     bytes come than the limit
     */
    public static InputStream of(HttpServletRequest request, InputStream body, long limitBytes, int maxGzipRatio) {
        boolean gzip = isGzip(request);
        if (request.getContentLengthLong() > limitBytes) {
            throw ApiException.tooLarge(limitBytes);
        }
        return new BodyLimit(gzip ? new GzipBody(body, maxGzipRatio) : body, limitBytes);
    }

    /** A part of a body that is known to have a limit of its own. */
    public static InputStream of(InputStream body, long limitBytes) {
        return new BodyLimit(body, limitBytes);
    }

    private static boolean isGzip(HttpServletRequest request) {
        boolean gzip = false;
        for (String header : Collections.list(request.getHeaders(HttpHeaders.CONTENT_ENCODING))) {
            for (String encoding : header.split(",", -1)) {
                switch (encoding.trim().toLowerCase(Locale.ROOT)) {
                    case "identity" -> {}
                    case "gzip", "x-gzip" -> {
                        if (gzip) {
                            throw ApiException.unsupportedEncoding(header);
                        }
                        gzip = true;
                    }
                    default -> throw ApiException.unsupportedEncoding(header);
                }
            }
        }
        return gzip;
    }

    @Override
    public int read() throws IOException {
        int b = body.read();
        if (b >= 0) {
            count(1);
        }
        return b;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        int n = body.read(target, offset, length);
        if (n > 0) {
            count(n);
        }
        return n;
    }

    private void count(int n) {
        count += n;
        if (count > limit) {
            throw ApiException.tooLarge(limit);
        }
    }

    @Override
    public int available() throws IOException {
        return body.available();
    }

    @Override
    public void close() throws IOException {
        body.close();
    }
}
