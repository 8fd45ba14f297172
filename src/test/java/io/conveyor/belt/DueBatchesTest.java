package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.store.DueBatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which batch is due first, with few of them in memory. */
@Timeout(60)
class DueBatchesTest {

    private final ManualClock time = new ManualClock();

    /** What the store has: due times by batch. */
    private final Map<Long, Long> stored = new ConcurrentHashMap<>();

    private final AtomicInteger asked = new AtomicInteger();

    private final DueBatches due = new DueBatches(
            limit -> {
                asked.incrementAndGet();
                return stored.entrySet().stream()
                        .map(entry -> new DueBatch(entry.getKey(), entry.getValue()))
                        .sorted(Comparator.comparingLong(DueBatch::dueAt))
                        .limit(limit)
                        .toList();
            },
            time.clock(),
            4);

    private void add(long batch, long seconds) {
        long at = time.millis() + seconds * 1000;
        stored.put(batch, at);
        due.add(batch, at);
    }

    private @Nullable Long take() throws InterruptedException {
        Long batch = due.take();
        if (batch != null) {
            stored.remove(batch);
        }
        return batch;
    }

    @Test
    void theOneThatIsDueFirstComesFirstAndABatchComesOnce() throws Exception {
        add(1, 3);
        add(2, 1);
        add(1, 2);
        due.add(1, time.millis() + 9000); // a later job of it changes nothing
        time.advance(Duration.ofSeconds(10));

        assertThat(take()).isEqualTo(2);
        assertThat(take()).isEqualTo(1);
        assertThat(due.size()).isZero();
    }

    private Thread taker(CountDownLatch taken) {
        Thread taker = new Thread(() -> {
            try {
                take();
            } catch (InterruptedException e) {
                return;
            }
            taken.countDown();
        });
        taker.start();
        return taker;
    }

    private static void awaitThatItWaits(Thread taker) {
        while (taker.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
    }

    @Test
    void whoTakesWaitsUntilItIsTime() throws Exception {
        add(1, 5);
        CountDownLatch taken = new CountDownLatch(1);
        Thread taker = taker(taken);
        awaitThatItWaits(taker);
        due.look(); // nothing has changed
        time.advance(Duration.ofMillis(4999));
        due.look();
        awaitThatItWaits(taker);
        assertThat(taken.getCount()).isEqualTo(1);

        time.advance(Duration.ofMillis(1));
        due.look();

        assertThat(taken.await(BeltHarness.PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    /** By itself it would look a minute later. */
    @Test
    void whatComesWhileItWaitsIsTakenAtOnce() throws Exception {
        CountDownLatch taken = new CountDownLatch(1);
        Thread taker = taker(taken);
        awaitThatItWaits(taker);
        add(1, 0);

        assertThat(taken.await(30, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void whatDoesNotFitComesFromTheStoreInItsTime() throws Exception {
        List<Long> expected = new ArrayList<>();
        for (long batch = 1; batch <= 50; batch++) {
            add(batch, 100 - batch);
            expected.add(51 - batch);
            assertThat(due.size()).isLessThanOrEqualTo(4);
        }
        time.advance(Duration.ofSeconds(200));

        List<Long> taken = new ArrayList<>();
        for (int n = 0; n < 50; n++) {
            taken.add(take());
            assertThat(due.size()).isLessThanOrEqualTo(4);
        }
        assertThat(taken).containsExactlyElementsOf(expected);
    }

    @Test
    void asManyAsThereIsRoomForAreAllHere() {
        for (long batch = 1; batch <= 4; batch++) {
            add(batch, batch);
        }
        assertThat(due.size()).isEqualTo(4);
        add(5, 5);
        assertThat(due.size()).isEqualTo(4);
    }

    @Test
    void theStoreIsAskedSeldom() throws Exception {
        for (long batch = 1; batch <= 400; batch++) {
            add(batch, batch);
        }
        time.advance(Duration.ofSeconds(500));
        for (int n = 0; n < 400; n++) {
            take();
        }
        assertThat(asked.get()).isLessThanOrEqualTo(1 + 400 / 3);
    }

    @Test
    void manyThatAreDueAtTheSameMomentAllCome() throws Exception {
        for (long batch = 1; batch <= 30; batch++) {
            add(batch, 1);
        }
        time.advance(Duration.ofSeconds(1));
        for (int n = 0; n < 30; n++) {
            assertThat(take()).isNotNull();
        }
        assertThat(stored).isEmpty();
    }

    @Test
    void whateverComesAndGoesNothingIsForgotten() throws Exception {
        long seed = System.nanoTime();
        System.out.println("DueBatchesTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 3000; round++) {
            add(random.nextInt(20), random.nextInt(10));
            boolean someDue = stored.values().stream().anyMatch(at -> at <= time.millis());
            if (someDue && random.nextBoolean()) {
                take();
            }
            time.advance(Duration.ofMillis(random.nextInt(1000)));
        }
        time.advance(Duration.ofMinutes(1));
        while (!stored.isEmpty()) {
            take();
        }
    }

    @Test
    void aCloseEndsTheWait() throws Exception {
        add(1, 5);
        due.close();
        assertThat(due.take()).isNull();
    }
}
