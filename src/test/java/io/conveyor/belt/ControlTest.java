package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
import static io.conveyor.belt.BeltHarness.handler;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchRules;
import io.conveyor.job.StopReason;
import io.conveyor.store.BatchRef;
import io.conveyor.store.StoreException;
import io.conveyor.store.StoreFailures;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is written, and then done to what is in memory, in this order. */
@Timeout(120)
class ControlTest extends BareParts {

    private final List<String> steps = new CopyOnWriteArrayList<>();
    private final AtomicReference<Thread> thread = new AtomicReference<>();
    private final CountDownLatch fetched = new CountDownLatch(1);
    private final CountDownLatch begun = new CountDownLatch(1);

    private final JobHandler waits = handler("waits", job -> {
        begun.countDown();
        gate.await();
        return new JobOutput(job.input());
    });

    private final ActiveBatch batch = batch(10, 0);

    @SuppressWarnings("NullAway.Init")
    private JobRunner runner;

    @SuppressWarnings("NullAway.Init")
    private Control control;

    @SuppressWarnings("NullAway.Init")
    ControlTest() {}

    @BeforeEach
    void open() {
        runner = runner(waits);
        control = new Control(store, running, runner, new Memory());
        says("cancel", true);
        says("pause", true);
        says("resume", true);
        answers.put("nextDeadline", arguments -> {
            steps.add("deadlines");
            return OptionalLong.empty();
        });
    }

    @AfterEach
    void close() {
        control.stop();
    }

    private void says(String method, boolean changed) {
        answers.put(method, arguments -> {
            steps.add(method);
            return changed;
        });
    }

    private final class Memory implements Control.Active {

        @Override
        public void with(BatchRef ref, Consumer<ActiveBatch> work) {
            assertThat(ref).isEqualTo(batch.ref());
            thread.set(Thread.currentThread());
            steps.add("with");
            work.accept(batch);
        }

        @Override
        public void fetch(BatchRef ref) {
            assertThat(ref).isEqualTo(batch.ref());
            steps.add("fetch");
            fetched.countDown();
        }

        @Override
        public void hurry(ActiveBatch active) {
            assertThat(active).isSameAs(batch);
            steps.add("hurry");
        }

        @Override
        public void settle(ActiveBatch active) {
            assertThat(active).isSameAs(batch);
            steps.add("settle");
        }
    }

    /** Job 0 is in its handler, and job 1 in the queue. */
    private void oneRunsAndOneWaits() throws InterruptedException {
        for (int index = 0; index < 2; index++) {
            batch.handOver();
            assertThat(pool.enqueue(task(runner, batch, job(index, "waits")), Duration.ofSeconds(PATIENCE_SECONDS)))
                    .isTrue();
            assertThat(begun.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void aCancelEndsWhatWaitsAndInterruptsWhatRunsOnceTheStoreHasIt() throws Exception {
        oneRunsAndOneWaits();
        batch.pause();

        assertThat(control.cancel(batch.ref())).isTrue();

        assertThat(steps).containsExactly("cancel", "with", "settle", "hurry", "fetch");
        assertThat(batch.stopReason()).isEqualTo(StopReason.CANCEL);
        assertThat(batch.isPaused()).isFalse();
        assertThat(recorded.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isNotNull();
        assertThat(recorded.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isNotNull();
    }

    @Test
    void aPauseKeepsWhatWaitsAndLeavesWhatRunsAlone() throws Exception {
        oneRunsAndOneWaits();

        assertThat(control.pause(batch.ref())).isTrue();

        assertThat(steps).containsExactly("pause", "with", "settle");
        assertThat(batch.isPaused()).isTrue();
        assertThat(batch.handed()).isEqualTo(1);
        JobTask kept = batch.pollTakenBack();
        assertThat(kept).isNotNull();
        assertThat(kept.job().index()).isEqualTo(1);
        assertThat(recorded).isEmpty();

        assertThat(control.resume(batch.ref())).isTrue();
        assertThat(steps).containsExactly("pause", "with", "settle", "resume", "with", "settle");
        assertThat(batch.isPaused()).isFalse();
    }

    @Test
    void whatTheStoreDoesNotChangeIsLeftAloneInMemoryToo() {
        says("cancel", false);
        says("pause", false);
        says("resume", false);

        assertThat(control.cancel(batch.ref())).isTrue();
        assertThat(control.pause(batch.ref())).isTrue();
        assertThat(control.resume(batch.ref())).isTrue();

        assertThat(steps).containsExactly("cancel", "pause", "resume");
        assertThat(batch.isCancelled()).isFalse();
        assertThat(batch.isPaused()).isFalse();
    }

    @Test
    void whatTheStoreHasStoppedIsStoppedAtOnceAndTheRestFollowsOnTheOneThread() throws Exception {
        CountDownLatch held = new CountDownLatch(1);
        answers.put("pause", arguments -> {
            try {
                assertThat(held.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
                return false;
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        Thread client = new Thread(() -> control.pause(batch.ref()));
        client.start();

        control.stopped(batch, StopReason.ON_ERROR);

        assertThat(batch.stopReason()).isEqualTo(StopReason.ON_ERROR);
        held.countDown();
        assertThat(fetched.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(steps).containsExactly("with", "settle", "hurry", "fetch");
        client.join();
    }

    @Test
    void afterTheStopNothingIsTakenAndTheThreadEndsThoughALookIsPlanned() throws Exception {
        control.start();
        control.resume(batch.ref());
        steps.clear();

        control.stop();

        thread.get().join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
        assertThat(thread.get().isAlive()).isFalse();
        assertThat(control.cancel(batch.ref())).isFalse();
        assertThat(control.pause(batch.ref())).isFalse();
        assertThat(control.resume(batch.ref())).isFalse();
        control.stopped(batch, StopReason.ON_ERROR);
        assertThat(batch.isCancelled()).isTrue();
        assertThat(steps).isEmpty();
    }

    @Test
    void whatTheStoreFailsWithComesOutAsItIsAndAnythingElseAsAFaultOfTheService() {
        StoreException full = StoreFailures.failure(StoreException.Reason.FULL);
        answers.put("cancel", arguments -> {
            throw full;
        });
        assertThatThrownBy(() -> control.cancel(batch.ref())).isSameAs(full);

        IllegalArgumentException fault = new IllegalArgumentException("on purpose");
        answers.put("cancel", arguments -> {
            throw fault;
        });
        assertThatThrownBy(() -> control.cancel(batch.ref()))
                .isInstanceOf(IllegalStateException.class)
                .hasCause(fault);
    }

    @Test
    void whoIsInterruptedWhileItWaitsIsToldThatNobodyLookedAndStaysInterrupted() {
        Thread.currentThread().interrupt();
        boolean looked = control.pause(batch.ref());
        assertThat(Thread.interrupted()).isTrue();
        assertThat(looked).isFalse();
    }

    @Test
    void deadlinesAreLookedForAtTheStartAndOnceOneIsKnown() throws Exception {
        control.watch(BatchRules.NONE);
        control.resume(batch.ref()); // behind whatever is due now
        assertThat(steps).containsExactly("resume", "with", "settle");

        control.start();
        assertThat(steps).endsWith("settle", "deadlines");

        CountDownLatch looked = new CountDownLatch(1);
        answers.put("nextDeadline", arguments -> {
            looked.countDown();
            return OptionalLong.empty();
        });
        control.watch(new BatchRules(0, 0, 0, 1, null));
        assertThat(looked.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aBatchWhoseDeadlineHasPassedIsStoppedForThat() {
        answers.put("nextDeadline", arguments -> steps.contains("overdue") ? OptionalLong.empty() : OptionalLong.of(0));
        answers.put("stopOverdue", arguments -> {
            steps.add("overdue");
            return List.of(batch.ref());
        });

        control.start();

        assertThat(steps).containsExactly("overdue", "with", "settle", "hurry", "fetch");
        assertThat(batch.stopReason()).isEqualTo(StopReason.DEADLINE);
    }
}
