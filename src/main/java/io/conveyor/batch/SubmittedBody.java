package io.conveyor.batch;

import io.conveyor.web.ApiException;
import io.conveyor.web.BodyLimit;
import io.conveyor.web.BodyType;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestInputStream;
import java.util.List;
import org.springframework.http.MediaType;

/**
 * The body of a submission: its bytes, unpacked and bounded, and whether they are one JSON document or a job a line. Not
 * thread-safe.
 */
final class SubmittedBody {

    static final List<MediaType> READ = List.of(MediaType.APPLICATION_JSON, MediaType.APPLICATION_NDJSON);

    private final InputStream bytes;
    private final boolean lines;

    private SubmittedBody(InputStream bytes, boolean lines) {
        this.bytes = bytes;
        this.lines = lines;
    }

    /**
     * The body of this request. Refuses by the headers first; where they do not tell the type, reads the beginning.
     *
     * @param raw the body as it arrives
     * @throws ApiException if its type is not read here, or it is too large
     */
    static SubmittedBody of(HttpServletRequest request, InputStream raw, IntakeProperties limits) throws IOException {
        BodyType declared = BodyType.of(request, READ);
        long limit = declared == BodyType.JSON
                ? limits.maxJsonBody().toBytes()
                : limits.maxBody().toBytes();
        InputStream bytes = BodyLimit.of(request, raw, limit, limits.maxGzipRatio());
        if (declared != BodyType.UNDECLARED) {
            return new SubmittedBody(bytes, declared == BodyType.NDJSON);
        }
        FirstLook look = FirstLook.at(bytes);
        if (look.lines()) {
            return new SubmittedBody(look.body(), true);
        }
        long jsonLimit = limits.maxJsonBody().toBytes();
        if (request.getContentLengthLong() > jsonLimit) {
            throw ApiException.tooLarge(jsonLimit);
        }
        return new SubmittedBody(BodyLimit.of(look.body(), jsonLimit), false);
    }

    /** Whether it is NDJSON, else it is JSON. */
    boolean isLines() {
        return lines;
    }

    InputStream bytes() {
        return bytes;
    }

    /** The fingerprint of a submission with this body, whose bytes have been read to that digest. */
    byte[] fingerprint(BatchOptions options, byte[] digest) {
        return Fingerprint.of(lines ? "ndjson" : "json", options.canonical(), digest);
    }

    /** Reads the body to its end for nothing but the fingerprint. */
    byte[] readFingerprint(BatchOptions options) throws IOException {
        DigestInputStream digesting = new DigestInputStream(bytes, RawWindow.sha256());
        digesting.transferTo(OutputStream.nullOutputStream());
        return fingerprint(options, digesting.getMessageDigest().digest());
    }
}
