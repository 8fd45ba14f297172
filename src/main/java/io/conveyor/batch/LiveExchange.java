package io.conveyor.batch;

import io.conveyor.store.BatchRef;
import io.conveyor.store.StoredBatch;
import io.conveyor.web.stream.DetachedBody;
import io.conveyor.web.stream.ResponseStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;

/**
 * A submission whose results are streamed back on its own connection while it is still arriving. What is sent never waits
 * for what is read: a client that sends everything before it reads anything gets its results out of the store.
 *
 * <p><b>Threads and state.</b> An upload thread takes the batch in, as a request's thread does for any other. The request's
 * thread waits for what comes first: the batch, or its refusal, which is then answered as any other. With the batch it
 * begins the answer and goes; the upload thread, which waits for that, goes on. {@link #uploaded} holds the end of the
 * answer back until the upload thread has done with the request.
 */
final class LiveExchange {

    private static final Logger log = LoggerFactory.getLogger(LiveExchange.class);

    private final Parts parts;
    private final HttpServletRequest request;
    private final HttpServletResponse response;
    private final DetachedBody body;

    /** Completed by the upload thread with the batch that the upload makes, or the one that was there; or with its refusal. */
    private final CompletableFuture<Begun> begun = new CompletableFuture<>();

    /** Counted down by the request's thread when the upload thread may go on. */
    private final CountDownLatch answering = new CountDownLatch(1);

    // Mutable state
    /** Written by the upload thread, read by the stream. */
    private volatile boolean uploaded;
    /** Written by the request's thread before {@code answering}, read by the upload thread after it. */
    private @Nullable ResponseStream stream;

    /** What all exchanges share. */
    record Parts(Intake intake, Batches batches, ResultStreams streams, IntakeProperties limits) {}

    /** The batch whose results go out, and whether its upload goes on. */
    private record Begun(BatchRef batch, boolean arriving, boolean replayed) {}

    LiveExchange(Parts parts, HttpServletRequest request, HttpServletResponse response) throws IOException {
        this.parts = parts;
        this.request = request;
        this.response = response;
        this.body = new DetachedBody(request, parts.limits().maxPause());
    }

    /** Takes the batch in; on the upload thread, which holds a place. */
    void upload(Submission submission) {
        boolean complete = false;
        try {
            Intake.Taken taken = parts.intake().take(request, body, submission.heardBy(this::goOn));
            begun.complete(new Begun(taken.ref(), false, taken.replayed()));
            complete = true;
        } catch (IOException | RuntimeException e) {
            if (!begun.completeExceptionally(e)) {
                log.info("An upload broke off after its batch had started: {}", e.toString());
            }
        } finally {
            uploaded = true;
            end(complete);
        }
    }

    /** The batch is there: lets the answer begin before the first job runs. */
    private void goOn(BatchRef ref) {
        begun.complete(new Begun(ref, true, false));
        awaitAnswer();
    }

    private void awaitAnswer() {
        boolean interrupted = false;
        while (answering.getCount() > 0) {
            try {
                answering.await();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void end(boolean complete) {
        awaitAnswer();
        ResponseStream answer = stream;
        if (answer == null) {
            return; // refused
        }
        if (complete) {
            answer.wake();
        } else {
            answer.cut();
        }
    }

    /** Answers with the results that the query asks for; on the request's thread, which it keeps until the batch is there. */
    void answer(ResultQuery query) throws IOException {
        try {
            Begun first = begun.join();
            StoredBatch batch = parts.batches().find(first.batch().id());
            response.setStatus(HttpServletResponse.SC_OK);
            response.setHeader(
                    HttpHeaders.LOCATION, BatchView.Links.of(batch.ref().id()).self());
            if (first.replayed()) {
                response.setHeader("Idempotent-Replayed", "true");
            }
            ResultStreams.tell(batch, ResultStreams.Format.NDJSON, response);
            stream = parts.streams().lines(batch, query, request, () -> uploaded);
            if (first.arriving()) {
                body.detach(request.getAsyncContext());
            }
        } catch (CompletionException e) {
            throw refusal(e.getCause());
        } finally {
            answering.countDown();
        }
    }

    private static RuntimeException refusal(@Nullable Throwable cause) throws IOException {
        if (cause instanceof IOException broken) {
            throw broken;
        }
        return cause instanceof RuntimeException known ? known : new IllegalStateException("The upload failed", cause);
    }
}
