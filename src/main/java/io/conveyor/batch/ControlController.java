package io.conveyor.batch;

import io.conveyor.belt.Belt;
import io.conveyor.job.BatchState;
import io.conveyor.job.Tenant;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.StoredBatch;
import io.conveyor.web.ApiException;
import io.conveyor.web.Preferences;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/**
 * Cancels, pauses, resumes and deletes batches. Thread-safe: keeps nothing of a request. A deletion that waits for the end of its batch holds
 * no thread. {@link ApiDocument} describes every operation.
 */
@RestController
@RequestMapping(path = BatchController.PATH + "/{id}", produces = MediaType.APPLICATION_JSON_VALUE)
final class ControlController {

    /** How long a forced deletion waits for jobs that have been interrupted, if its client says nothing, in seconds. */
    static final int FORCE_SECONDS = 30;

    /** Seconds after which to ask the service that comes after this one. */
    private static final int RETRY = 5;

    private final Batches batches;
    private final BatchStore store;
    private final Belt belt;

    ControlController(Batches batches, BatchStore store, Belt belt) {
        this.batches = batches;
        this.store = store;
        this.belt = belt;
    }

    @PostMapping("/cancel")
    ResponseEntity<BatchView> cancel(@PathVariable String id) {
        StoredBatch before = batches.find(id);
        cancel(before);
        Batches.Shown now = batches.show(id);
        // It may have ended of itself at the same moment; then nothing of it was cancelled.
        boolean accepted = !before.ended() && now.stored().stopReason() != null;
        return ResponseEntity.status(accepted ? HttpStatus.ACCEPTED : HttpStatus.OK)
                .header(HttpHeaders.LOCATION, now.view().links().self())
                .body(now.view());
    }

    private void cancel(StoredBatch batch) {
        if (!batch.ended() && !belt.cancel(batch.ref())) {
            throw ApiException.draining(RETRY);
        }
    }

    @PostMapping("/pause")
    ResponseEntity<BatchView> pause(@PathVariable String id) {
        return changed(id, belt::pause);
    }

    @PostMapping("/resume")
    ResponseEntity<BatchView> resume(@PathVariable String id) {
        return changed(id, belt::resume);
    }

    /** Both are safe to repeat: who finds the batch as it wants it changes nothing. */
    private ResponseEntity<BatchView> changed(String id, Predicate<BatchRef> change) {
        if (!change.test(batches.find(id).ref())) {
            throw ApiException.draining(RETRY);
        }
        Batches.Shown now = batches.show(id);
        BatchState state = now.stored().state();
        if (state != BatchState.PAUSED && state != BatchState.RUNNING) {
            throw ApiException.batchNotRunning(id, state);
        }
        return ResponseEntity.ok()
                .header(HttpHeaders.LOCATION, now.view().links().self())
                .body(now.view());
    }

    @DeleteMapping
    Object delete(
            @PathVariable String id,
            @RequestParam(name = "force", required = false) @Nullable String force,
            HttpServletRequest request) {
        if (!Parameters.flag("force", force, false)) {
            delete(id);
            return ResponseEntity.noContent().build();
        }
        Preferences preferences = Preferences.of(request);
        OptionalInt wait = LongPoll.seconds(preferences);
        StoredBatch batch = batches.find(id);
        cancel(batch);
        return batches.untilEnd(batch.ref(), Duration.ofSeconds(wait.orElse(FORCE_SECONDS)), response -> {
            SubmissionAnswers.setApplied(response, preferences, wait);
            delete(id);
            response.setStatus(HttpStatus.NO_CONTENT.value());
        });
    }

    private void delete(String id) {
        switch (store.delete(Tenant.DEFAULT, id)) {
            case DELETED -> {}
            case NOT_FOUND -> throw ApiException.unknownBatch(id);
            case NOT_ENDED ->
                throw ApiException.batchNotEnded(id, batches.find(id).state());
        }
    }
}
