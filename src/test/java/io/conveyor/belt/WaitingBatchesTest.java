package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.BatchRules;
import io.conveyor.job.StopReason;
import io.conveyor.store.BatchRef;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class WaitingBatchesTest {

    private final List<Long> asked = new ArrayList<>();
    private final List<WaitingBatches.Page> pages = new ArrayList<>();
    private final WaitingBatches waiting = new WaitingBatches(
            after -> {
                asked.add(after);
                return pages.isEmpty() ? new WaitingBatches.Page(List.of(), 0) : pages.remove(0);
            },
            4);

    private static ActiveBatch batch(long number) {
        return new ActiveBatch(
                new BatchRef("default", number, "b" + number), BatchRules.NONE, 1_000_000, 0, settled -> {});
    }

    private static ActiveBatch batchThatHasHad(int jobs, long number) {
        ActiveBatch batch = batch(number);
        for (int job = 0; job < jobs; job++) {
            batch.handOver();
        }
        return batch;
    }

    @Test
    void turnsGoRound() throws Exception {
        ActiveBatch a = batch(1);
        ActiveBatch b = batch(2);
        waiting.add(a);
        waiting.add(b);
        List<ActiveBatch> turns = new ArrayList<>();
        for (int turn = 0; turn < 4; turn++) {
            ActiveBatch next = waiting.take();
            turns.add(next);
            waiting.add(next);
        }
        assertThat(turns).containsExactly(a, b, a, b);
    }

    @Test
    void whoHasHadLittleGoesFirstAndStarvesNobody() throws Exception {
        waiting.add(batchThatHasHad(256, 1));
        waiting.add(batchThatHasHad(1000, 2));
        List<Long> turns = new ArrayList<>();
        for (long number = 3; number < 10; number++) {
            waiting.add(batchThatHasHad(255, number));
            ActiveBatch next = waiting.take();
            turns.add(next.ref().batchNo());
        }
        assertThat(turns).containsExactly(3L, 4L, 5L, 1L, 6L, 7L, 8L);
        assertThat(waiting.take().ref().batchNo()).isEqualTo(2);
        assertThat(waiting.take().ref().batchNo()).isEqualTo(9);
        assertThat(waiting.size()).isZero();
    }

    @Test
    void aBatchThatIsCancelledHasEveryOtherTurn() throws Exception {
        ActiveBatch cancelled = batchThatHasHad(256, 3);
        ActiveBatch cameCancelled = batch(4);
        waiting.add(batch(1));
        waiting.add(batch(2));
        waiting.add(cancelled);
        cancelled.stop(StopReason.CANCEL);
        waiting.hurry(cancelled);
        cameCancelled.stop(StopReason.CANCEL);
        waiting.add(cameCancelled);
        waiting.hurry(batch(9)); // not in the ring: somebody feeds it
        assertThat(waiting.size()).isEqualTo(4);

        List<Long> turns = new ArrayList<>();
        for (int turn = 0; turn < 4; turn++) {
            turns.add(waiting.take().ref().batchNo());
        }
        assertThat(turns).containsExactly(3L, 1L, 4L, 2L);
        assertThat(waiting.size()).isZero();
    }

    @Test
    void aBatchStandsWhereItsTurnIs() throws Exception {
        ActiveBatch batch = batch(1);
        batch.moveTo(ActiveBatch.Stage.HELD);
        waiting.add(batch);
        assertThat(batch.stage()).isEqualTo(ActiveBatch.Stage.WAITING);
        waiting.take();
        assertThat(batch.stage()).isEqualTo(ActiveBatch.Stage.FEEDING);
    }

    @Test
    void theStoreIsReadPageByPageAndThenLeftAlone() throws Exception {
        pages.add(new WaitingBatches.Page(List.of(batch(1)), 1));
        pages.add(new WaitingBatches.Page(List.of(batch(2)), 0));
        assertThat(waiting.take().ref().batchNo()).isEqualTo(1);
        assertThat(waiting.take().ref().batchNo()).isEqualTo(2);
        waiting.add(batch(3));
        waiting.take();
        assertThat(asked).containsExactly(0L, 1L);
    }

    @Test
    void whatDoesNotFitIsParkedAndItsReturnToTheStoreStartsANewPass() throws Exception {
        ActiveBatch fifth = batch(5);
        for (long number = 1; number <= 4; number++) {
            waiting.add(batch(number));
        }
        waiting.add(fifth);
        assertThat(fifth.stage()).isEqualTo(ActiveBatch.Stage.PARKED);
        for (int turn = 0; turn < 4; turn++) {
            waiting.take();
        }
        waiting.forgotten();
        pages.add(new WaitingBatches.Page(List.of(batch(5)), 0));
        assertThat(waiting.take().ref().batchNo()).isEqualTo(5);
    }

    @Test
    void aBatchForgottenDuringAPassIsFoundByTheNext() throws Exception {
        List<Long> passes = new ArrayList<>();
        WaitingBatches[] self = new WaitingBatches[1];
        self[0] = new WaitingBatches(
                after -> {
                    passes.add(after);
                    if (passes.size() == 1) {
                        self[0].forgotten();
                        return new WaitingBatches.Page(List.of(), 0);
                    }
                    return new WaitingBatches.Page(List.of(batch(7)), 0);
                },
                4);
        assertThat(self[0].take().ref().batchNo()).isEqualTo(7);
        assertThat(passes).containsExactly(0L, 0L);
    }

    /** And the thread that comes next, another one, finds nothing locked. */
    @Test
    void aStoreThatFailsDuringAPassIsAskedAgainByWhoTakesNext() throws Exception {
        IllegalStateException broken = new IllegalStateException("no store");
        List<Long> passes = new ArrayList<>();
        WaitingBatches failing = new WaitingBatches(
                after -> {
                    passes.add(after);
                    if (passes.size() == 2) {
                        throw broken;
                    }
                    return new WaitingBatches.Page(List.of(batch(passes.size())), passes.size() == 1 ? 1 : 0);
                },
                4);
        assertThatThrownBy(failing::take).isSameAs(broken);

        assertThat(elsewhere(failing::take).ref().batchNo()).isEqualTo(1);
        assertThat(elsewhere(failing::take).ref().batchNo()).isEqualTo(3);
        assertThat(passes).containsExactly(0L, 1L, 1L);
    }

    @Test
    void whateverIsCalledNothingIsLockedBehindIt() throws Exception {
        ActiveBatch first = batch(1);
        elsewhere(() -> {
            waiting.add(first);
            return first;
        });
        elsewhere(() -> {
            waiting.hurry(first);
            return first;
        });
        elsewhere(() -> {
            waiting.forgotten();
            return first;
        });
        assertThat(elsewhere(waiting::size)).isEqualTo(1);
        assertThat(elsewhere(waiting::take)).isSameAs(first);
        elsewhere(() -> {
            waiting.close();
            return first;
        });
        assertThat(elsewhere(waiting::take)).isNull();
    }

    /** On a thread that is gone afterwards. */
    private static <T> T elsewhere(Callable<T> call) throws Exception {
        FutureTask<T> task = new FutureTask<>(call);
        new Thread(task).start();
        return task.get(BeltHarness.PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void closingEndsTheWait() throws Exception {
        waiting.close();
        assertThat(waiting.take()).isNull();
    }
}
