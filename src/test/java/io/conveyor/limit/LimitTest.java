package io.conveyor.limit;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.bucket4j.Bucket;
import io.github.bucket4j.TimeMeter;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LimitTest {

    private static final long SECOND = 1_000_000_000L;

    private final AtomicLong now = new AtomicLong();
    private final Deque<Runnable> looks = new ArrayDeque<>();
    private final List<Long> pauses = new ArrayList<>();
    private final List<String> calls = new ArrayList<>();

    private final class Named implements Limit.Waiter {

        private final String name;

        Named(String name) {
            this.name = name;
        }

        @Override
        public void placeMayBeFree() {
            calls.add(name);
        }
    }

    private final Named first = new Named("first");
    private final Named second = new Named("second");
    private final Named third = new Named("third");

    private Limit limit(int concurrency, @Nullable Bucket rate) {
        return new Limit(concurrency, rate, (nanos, look) -> {
            pauses.add(nanos);
            looks.add(look);
        });
    }

    /** So many starts a second, and none saved up. */
    private Bucket aSecond(int starts) {
        return Bucket.builder()
                .addLimit(limit -> limit.capacity(1).refillGreedy(starts, Duration.ofSeconds(1)))
                .withCustomTimePrecision(new TimeMeter() {
                    @Override
                    public long currentTimeNanos() {
                        return now.get();
                    }

                    @Override
                    public boolean isWallClockBased() {
                        return false;
                    }
                })
                .build();
    }

    private static Permit permit(@Nullable Permit taken) {
        assertThat(taken).isNotNull();
        return taken;
    }

    @Test
    void whoFindsNoPlaceIsCalledWhenOneIsGivenBackInTheOrderOfAsking() {
        Limit limit = limit(1, null);
        Permit held = permit(Permit.take(List.of(limit), first));
        assertThat(Permit.take(List.of(limit), second)).isNull();
        assertThat(Permit.take(List.of(limit), third)).isNull();
        assertThat(Permit.take(List.of(limit), third)).isNull();

        held.start();
        assertThat(calls).isEmpty();
        held.release();
        held.release();

        assertThat(calls).containsExactly("second");
        permit(Permit.take(List.of(limit), second)).release();
        assertThat(calls).containsExactly("second", "third");
        assertThat(limit.taken()).isZero();
        assertThat(limit.waiting()).isZero();
    }

    @Test
    void whoWasCalledAndFindsThePlaceTakenIsTheNextToBeCalled() {
        Limit limit = limit(1, null);
        Permit held = permit(Permit.take(List.of(limit), first));
        assertThat(Permit.take(List.of(limit), second)).isNull();
        assertThat(Permit.take(List.of(limit), third)).isNull();
        held.release();

        Permit taken = permit(Permit.take(List.of(limit), first));
        assertThat(Permit.take(List.of(limit), second)).isNull();
        taken.release();

        assertThat(calls).containsExactly("second", "second");
    }

    @Test
    void aPlaceThatWhoWasCalledDoesNotTakeIsOfferedToOthers() {
        Limit limit = limit(1, null);
        Permit held = permit(Permit.take(List.of(limit), first));
        assertThat(Permit.take(List.of(limit), second)).isNull();
        assertThat(Permit.take(List.of(limit), third)).isNull();
        held.release();
        assertThat(calls).containsExactly("second");

        looks.remove().run();

        assertThat(calls).containsExactly("second", "third");
    }

    @Test
    void whatOneLimitHasIsGivenBackWhenAnotherHasNoPlace() {
        Limit wide = limit(1, null);
        Limit narrow = limit(1, null);
        Permit held = permit(Permit.take(List.of(narrow), first));

        assertThat(Permit.take(List.of(wide, narrow), second)).isNull();

        assertThat(wide.taken()).isZero();
        held.release();
        assertThat(calls).containsExactly("second");
        permit(Permit.take(List.of(wide, narrow), second));
    }

    @Test
    void aRateLetsTheNextStartWhenItsTokenIsThere() {
        Limit limit = limit(Integer.MAX_VALUE, aSecond(1));
        permit(Permit.take(List.of(limit), first)).start();
        assertThat(Permit.take(List.of(limit), second)).isNull();
        assertThat(calls).isEmpty();

        now.addAndGet(SECOND);
        looks.remove().run();

        assertThat(calls).containsExactly("second");
        permit(Permit.take(List.of(limit), second)).start();
    }

    @Test
    void theLookComesWhenTheTokenDoes() {
        Limit limit = limit(Integer.MAX_VALUE, aSecond(1000));
        permit(Permit.take(List.of(limit), first)).start();

        assertThat(Permit.take(List.of(limit), second)).isNull();

        assertThat(pauses.get(pauses.size() - 1)).isEqualTo(SECOND / 1000);
    }

    @Test
    void whatWaitsForItsStartHoldsTheNextOneBack() {
        Limit limit = limit(Integer.MAX_VALUE, aSecond(1));
        Permit queued = permit(Permit.take(List.of(limit), first));
        now.addAndGet(10 * SECOND);

        assertThat(Permit.take(List.of(limit), second)).isNull();
        queued.start();

        assertThat(calls).containsExactly("second");
        permit(Permit.take(List.of(limit), second));
    }

    @Test
    void aTokenThatWasNotUsedIsThereForTheNext() {
        Limit limit = limit(Integer.MAX_VALUE, aSecond(1));
        permit(Permit.take(List.of(limit), first)).release();

        permit(Permit.take(List.of(limit), second)).start();

        assertThat(Permit.take(List.of(limit), third)).isNull();
    }
}
