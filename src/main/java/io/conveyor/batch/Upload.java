package io.conveyor.batch;

import io.conveyor.belt.Belt;
import io.conveyor.job.JobKind;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.NewBatch;
import io.conveyor.store.Origin;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.SubmissionKey;
import io.conveyor.web.ApiException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One body on its way to become a batch, by one of two ways. <b>Whole</b>: segments are spilled, invisible, while the body
 * arrives; at its end one commit makes the batch visible, and a body that breaks leaves nothing. <b>Live</b>: the first jobs
 * make the batch, which runs while the rest arrives; a body that breaks leaves a batch that ends as incomplete. Not
 * thread-safe: made for one request, on the thread that reads.
 */
final class Upload {

    /** The fingerprint of a batch whose upload goes on. */
    private static final byte[] NOT_YET_KNOWN = {};

    private final Parts parts;
    private final BatchRef ref;
    private final Submission submission;
    private final BatchOptions options;
    private final @Nullable String key;
    private final BooleanSupplier takenByAnother;

    /** What every upload works with. */
    record Parts(BatchStore store, Belt belt, IntakeProperties limits, BatchIds ids, Clock clock) {

        Set<String> kinds() {
            return belt.kinds().stream().map(JobKind::name).collect(Collectors.toCollection(LinkedHashSet::new));
        }

        FollowerReader followerReader() {
            return new FollowerReader(kinds(), maxJobSize(), belt::callbackFault);
        }

        int maxJobSize() {
            return Math.toIntExact(limits.maxJobSize().toBytes());
        }

        BatchParser batchParser() {
            return new BatchParser(kinds(), limits.maxJobs(), maxJobSize(), followerReader());
        }

        LineParser lineParser() {
            return new LineParser(kinds(), limits.maxJobs(), maxJobSize());
        }
    }

    /**
     * What became of the body.
     *
     * @param made whether it is a batch now; if not, another batch has its id or its key
     * @param fingerprint of what was submitted; means nothing when nobody can ask for it again
     */
    record Result(boolean made, byte[] fingerprint) {}

    /** @param takenByAnother tells, when the store refuses the id or the key, whether another batch has it still */
    Upload(
            Parts parts,
            BatchRef ref,
            Submission submission,
            BatchOptions options,
            @Nullable String key,
            BooleanSupplier takenByAnother) {
        this.parts = parts;
        this.ref = ref;
        this.submission = submission;
        this.options = options;
        this.key = key;
        this.takenByAnother = takenByAnother;
    }

    Result read(SubmittedBody body) throws IOException {
        boolean live = options.immediately() || (submission.immediately() && body.isLines());
        if (!live) {
            return whole(body);
        }
        if (!body.isLines()) {
            throw onlyLinesStartAtOnce();
        }
        return live(body);
    }

    static ApiException onlyLinesStartAtOnce() {
        return ApiException.invalidParameter(
                BatchOptions.START,
                "A JSON body is taken whole or not at all; send one job a line as application/x-ndjson to start at"
                        + " once.");
    }

    private Result whole(SubmittedBody body) throws IOException {
        SegmentSpool spool = new SegmentSpool(parts.store(), ref);
        boolean sealed = false;
        try {
            ParsedBatch parsed = body.isLines() ? lines(body, spool) : json(body, spool);
            byte[] fingerprint = body.fingerprint(options, parsed.digest());
            List<PackedSegment> rest = spool.rest();
            NewBatch batch = batch(parsed.envelope(), parsed.total(), fingerprint);
            while (!sealed) {
                sealed = parts.belt().seal(batch, rest);
                if (!sealed && takenByAnother.getAsBoolean()) {
                    return new Result(false, fingerprint);
                }
            }
            submission.opened().accept(ref);
            parts.belt().feed(ref, rest, shorter(parts.limits().hold(), submission.patience()));
            return new Result(true, fingerprint);
        } finally {
            if (!sealed) {
                spool.abandon();
            }
        }
    }

    private ParsedBatch json(SubmittedBody body, JobSink jobs) throws IOException {
        ParsedBatch parsed = parts.batchParser().parse(body.bytes(), jobs);
        return new ParsedBatch(options.with(parsed.envelope()), parsed.total(), parsed.digest());
    }

    private ParsedBatch lines(SubmittedBody body, JobSink jobs) throws IOException {
        MessageDigest digest = RawWindow.sha256();
        InputStream bytes = mayBeRepeated() ? new DigestInputStream(body.bytes(), digest) : body.bytes();
        int total = parts.lineParser().parse(bytes, jobs);
        return new ParsedBatch(options.envelope(), total, digest.digest());
    }

    /** Whether anybody can ask for this batch again; a digest that nobody compares is not worth its time. */
    private boolean mayBeRepeated() {
        return submission.id() != null || key != null;
    }

    private Result live(SubmittedBody body) throws IOException {
        MessageDigest digest = RawWindow.sha256();
        DigestInputStream bytes = new DigestInputStream(body.bytes(), digest);
        bytes.on(mayBeRepeated());
        LiveUpload upload = new LiveUpload(
                parts.belt(), ref, jobs -> batch(options.envelope(), jobs, NOT_YET_KNOWN), submission.opened());
        boolean complete = false;
        try {
            int total = parts.lineParser().parse(bytes, upload);
            upload.pause();
            byte[] fingerprint = body.fingerprint(options, digest.digest());
            if (total == 0) {
                return empty(fingerprint);
            }
            parts.belt().complete(ref, fingerprint, key == null ? null : keyed(fingerprint));
            complete = true;
            return new Result(true, fingerprint);
        } catch (LiveUpload.Cancelled e) {
            complete = true;
            bytes.transferTo(OutputStream.nullOutputStream());
            byte[] fingerprint = body.fingerprint(options, digest.digest());
            parts.belt().complete(ref, fingerprint, key == null ? null : keyed(fingerprint));
            return new Result(true, fingerprint);
        } catch (LiveUpload.Taken e) {
            bytes.transferTo(OutputStream.nullOutputStream());
            return new Result(false, body.fingerprint(options, digest.digest()));
        } catch (RuntimeException e) {
            throw upload.isOpen() ? StoreProblems.keptInPart(e, ref.id()) : e;
        } finally {
            if (upload.isOpen() && !complete) {
                parts.belt().abandon(ref);
            }
        }
    }

    private Result empty(byte[] fingerprint) {
        NewBatch batch = batch(options.envelope(), 0, fingerprint);
        boolean made = parts.belt().seal(batch, List.of());
        if (made) {
            submission.opened().accept(ref);
        }
        return new Result(made, fingerprint);
    }

    private NewBatch batch(Envelope envelope, int jobs, byte[] fingerprint) {
        return new NewBatch(
                ref,
                envelope.name(),
                envelope.metadata(),
                fingerprint,
                key == null ? null : new SubmissionKey(key, keyed(fingerprint)),
                envelope.rules(),
                Origin.CLIENT,
                jobs,
                jobs,
                envelope.followers().of(ref.id(), parts.ids()::next),
                parts.clock().millis());
    }

    private byte[] keyed(byte[] fingerprint) {
        return Fingerprint.ofRequest(submission.target(), fingerprint);
    }

    private static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }
}
