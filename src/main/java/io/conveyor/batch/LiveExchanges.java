package io.conveyor.batch;

import io.conveyor.web.ApiException;
import io.conveyor.web.ContainerResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.stereotype.Component;

/**
 * Answers submissions with their results while they arrive. Thread-safe.
 *
 * <p><b>Threads and state.</b> {@code conveyor-upload-N} read the submissions, one each: as many as there are such
 * submissions, and never more than submissions may arrive at once, because each has a place as long as it reads.
 */
@Component
final class LiveExchanges implements DisposableBean {

    private final LiveExchange.Parts parts;
    private final ExecutorService threads;

    LiveExchanges(Intake intake, Batches batches, ResultStreams streams, IntakeProperties limits) {
        parts = new LiveExchange.Parts(intake, batches, streams, limits);
        AtomicInteger number = new AtomicInteger();
        threads = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "conveyor-upload-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    /**
     * Takes the batch in and answers with the results that the query asks for; on the request's thread, which it keeps until
     * the batch is there.
     *
     * @throws ApiException if the submission is refused
     */
    void answer(HttpServletRequest request, HttpServletResponse response, Submission submission, ResultQuery query)
            throws IOException {
        LiveExchange exchange = new LiveExchange(parts, request, response);
        ContainerResponse.of(request).mayPause();
        Intake.Place place = parts.intake().enter(true);
        boolean started = false;
        try {
            threads.execute(() -> {
                try (place) {
                    exchange.upload(submission);
                }
            });
            started = true;
        } finally {
            if (!started) {
                place.close();
            }
        }
        exchange.answer(query);
    }

    @Override
    public void destroy() {
        threads.shutdown();
    }
}
