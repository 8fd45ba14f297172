package io.conveyor.batch;

import io.conveyor.belt.Belt;
import io.conveyor.web.Preferences;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.springframework.web.context.request.async.DeferredResult;

/**
 * Lets a request wait for an event without holding a thread. Keeps nothing itself.
 *
 * <p>Threads and state: the event comes on the writer thread of the store, which only hands the request back to the
 * container; the answer is made there. Event, time-out and a client that is gone may come at once: the first counts.
 */
final class LongPoll {

    /** Longest time that a request waits, in seconds. */
    static final int MAX_SECONDS = 60;

    private LongPoll() {}

    /** The wait that a client prefers. A preference is no demand: more than the longest wait becomes the longest wait. */
    static OptionalInt seconds(Preferences preferences) {
        OptionalInt wait = preferences.waitSeconds();
        return wait.isPresent() ? OptionalInt.of(Math.min(wait.getAsInt(), MAX_SECONDS)) : wait;
    }

    /**
     * The answer, or its promise if the event has not come yet. In this order: 1. register, 2. look whether the event
     * has come, 3. wait; an event between 1 and 2 is seen twice, and none is missed.
     *
     * @param patience how long to wait at the most; answers at once if it is not more than nothing
     * @param register takes what to call at the event
     * @param come whether the event has come already
     */
    static Object until(
            Duration patience, Function<Runnable, Belt.Registration> register, BooleanSupplier come, Answer answer) {
        long millis = patience.toMillis();
        if (millis <= 0) {
            return answer;
        }
        DeferredResult<Answer> later = new DeferredResult<>(millis, () -> answer);
        Belt.Registration registration = register.apply(() -> later.setResult(answer));
        later.onCompletion(registration::close);
        boolean now = true;
        try {
            now = come.getAsBoolean();
        } finally {
            if (now) {
                registration.close();
            }
        }
        return now ? answer : later;
    }
}
