package io.conveyor.batch;

import static io.conveyor.Schedules.check;
import static io.conveyor.Schedules.explore;
import static io.conveyor.Schedules.together;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.springframework.web.context.request.async.DeferredResult;

class LongPollModelTest {

    /** Whatever the moment of the event, it is seen when the request looks, or it answers the request later. */
    @Test
    void noEventBetweenTheLookAndTheWaitIsMissed() {
        explore(300, () -> {
            AtomicBoolean come = new AtomicBoolean();
            AtomicReference<Runnable> waiting = new AtomicReference<>();
            AtomicReference<Object> answered = new AtomicReference<>();
            together(
                    () -> answered.set(LongPoll.until(
                            Duration.ofSeconds(5),
                            callback -> {
                                waiting.set(callback);
                                return () -> waiting.set(null);
                            },
                            come::get,
                            null)),
                    () -> {
                        come.set(true);
                        Runnable callback = waiting.get();
                        if (callback != null) {
                            callback.run();
                        }
                    });
            boolean later = answered.get() instanceof DeferredResult<?> result && !result.hasResult();
            check(!later, "the event was missed");
        });
    }
}
