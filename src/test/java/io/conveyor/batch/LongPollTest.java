package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.belt.Belt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.springframework.web.context.request.async.DeferredResult;

class LongPollTest {

    private static final Duration LONG = Duration.ofHours(1);

    private final Answer answer = response -> {};
    private final List<Runnable> callbacks = new ArrayList<>();
    private final AtomicInteger closed = new AtomicInteger();

    private Belt.Registration register(Runnable callback) {
        callbacks.add(callback);
        return closed::incrementAndGet;
    }

    @Test
    void theEventGivesTheAnswer() {
        Object later = LongPoll.until(LONG, this::register, () -> false, answer);

        assertThat(later).isInstanceOf(DeferredResult.class);
        DeferredResult<?> result = (DeferredResult<?>) later;
        assertThat(result.hasResult()).isFalse();
        callbacks.forEach(Runnable::run);
        assertThat(result.getResult()).isSameAs(answer);
        assertThat(closed).hasValue(0);
    }

    @Test
    void anEventBeforeTheLookIsNotMissed() {
        AtomicBoolean come = new AtomicBoolean();

        Object now = LongPoll.until(
                LONG,
                callback -> {
                    come.set(true);
                    return register(callback);
                },
                come::get,
                answer);

        assertThat(now).isSameAs(answer);
        assertThat(closed).hasValue(1);
    }

    @Test
    void withoutPatienceNobodyIsRegistered() {
        assertThat(LongPoll.until(Duration.ofMillis(-5), this::register, () -> false, answer))
                .isSameAs(answer);
        assertThat(callbacks).isEmpty();
    }

    @Test
    void aLookThatFailsLeavesNoRegistration() {
        assertThatThrownBy(() -> LongPoll.until(
                        LONG,
                        this::register,
                        () -> {
                            throw new IllegalStateException("gone");
                        },
                        answer))
                .hasMessage("gone");
        assertThat(closed).hasValue(1);
    }
}
