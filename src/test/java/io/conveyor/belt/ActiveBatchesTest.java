package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.belt.ActiveBatch.Stage;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.Job;
import io.conveyor.job.StopReason;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.NewBatch;
import io.conveyor.store.Origin;
import io.conveyor.store.SegmentRef;
import io.conveyor.store.StoredBatch;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where batches stand, call by call; what several threads do to them at once is in the model test. */
@Timeout(120)
class ActiveBatchesTest {

    private final Backlog store = new Backlog();
    private final List<String> takenUp = new ArrayList<>();

    /** The store, as far as it is asked who is to go on. */
    private static final class Backlog {

        /** They are on a page that was read before they were that. */
        private static final Set<BatchState> OVER = Set.of(BatchState.ENDED, BatchState.PAUSED);

        final TreeMap<Long, StoredBatch> unfinished = new TreeMap<>();
        final TreeMap<Long, StoredBatch> found = new TreeMap<>();
        final TreeMap<Long, Long> nextAttempts = new TreeMap<>();
        final List<Long> asked = new ArrayList<>();
        final List<Long> renewed = new ArrayList<>();

        Runnable whileRenewing = () -> {};

        void has(long number, BatchState state, @Nullable StopReason reason) {
            StoredBatch batch = new StoredBatch(
                    ref(number),
                    null,
                    null,
                    new byte[] {1},
                    BatchRules.NONE,
                    Origin.CLIENT,
                    state,
                    null,
                    new Tally(10, 0, 0, 0, 0),
                    10,
                    0,
                    null,
                    reason,
                    null,
                    null,
                    null);
            unfinished.put(number, batch);
            found.put(number, batch);
        }

        BatchStore store() {
            return (BatchStore) Proxy.newProxyInstance(
                    BatchStore.class.getClassLoader(),
                    new Class<?>[] {BatchStore.class},
                    (proxy, method, arguments) -> switch (method.getName()) {
                        case "unfinished" -> {
                            asked.add((long) arguments[0]);
                            List<StoredBatch> page = unfinished.tailMap((long) arguments[0], false).values().stream()
                                    .limit((int) arguments[1])
                                    .toList();
                            unfinished.values().removeIf(batch -> OVER.contains(batch.state()));
                            yield page;
                        }
                        case "find" ->
                            found.values().stream()
                                    .filter(batch -> batch.ref().id().equals(arguments[1]))
                                    .findAny();
                        case "renewEpoch" -> {
                            renewed.add(((BatchRef) arguments[0]).batchNo());
                            whileRenewing.run();
                            yield null;
                        }
                        case "nextAttempt" ->
                            Optional.ofNullable(nextAttempts.get(((BatchRef) arguments[0]).batchNo()))
                                    .map(OptionalLong::of)
                                    .orElse(OptionalLong.empty());
                        default -> throw new UnsupportedOperationException(method.getName());
                    });
        }
    }

    private static BatchRef ref(long number) {
        return new BatchRef("default", number, "b" + number);
    }

    private ActiveBatches batches(int ring) {
        return new ActiveBatches(
                store.store(), ring, (batch, at) -> takenUp.add(batch.ref().id() + " at " + at));
    }

    private static NewBatch batch(long number) {
        return new NewBatch(ref(number), null, null, new byte[] {1}, 0, 10, 0);
    }

    private static ActiveBatch added(ActiveBatches batches, long number) {
        batches.add(batch(number));
        return batches.find(number);
    }

    private static JobTask task(ActiveBatch batch) {
        Job job = new Job(0, "echo", null, 0, null, new byte[0]);
        return new JobTask(null, batch, SegmentRef.fresh(batch.ref(), 0), job);
    }

    /** The look through the store with which every ring begins. */
    private ActiveBatches lookedThrough(int ring) throws Exception {
        ActiveBatches batches = batches(ring);
        assertThat(isLookedThrough(batches)).isTrue();
        store.asked.clear();
        return batches;
    }

    @Test
    void aParkedBatchIsForgottenWithItsLastJobAndTheStoreIsLookedThroughForIt() throws Exception {
        ActiveBatches batches = lookedThrough(2);
        batches.waitForTurn(added(batches, 2));
        batches.waitForTurn(added(batches, 3));
        ActiveBatch parked = added(batches, 1);
        parked.handOver();
        batches.waitForTurn(parked);
        assertThat(parked.stage()).isEqualTo(Stage.PARKED);
        batches.forgetIfIdle(parked);
        assertThat(batches.find(1)).isSameAs(parked);

        parked.jobsRecorded(1, 1);
        batches.forgetIfIdle(parked);

        assertThat(batches.find(1)).isNull();
        assertThat(parked.stage()).isEqualTo(Stage.FORGOTTEN);
        store.has(1, BatchState.RUNNING, null);
        assertThat(batches.waiting().take().ref().batchNo()).isEqualTo(2);
        assertThat(batches.waiting().take().ref().batchNo()).isEqualTo(3);
        assertThat(store.asked).containsExactly(0L);
        assertThat(batches.waiting().take().ref().batchNo()).isEqualTo(1);
        assertThat(store.renewed).containsExactly(1L);
    }

    @Test
    void aBatchThatIsParkedWithNothingOnTheWayIsForgottenAtOnce() {
        ActiveBatches batches = batches(1);
        batches.waitForTurn(added(batches, 2));
        batches.waitForTurn(added(batches, 1));
        assertThat(batches.find(1)).isNull();
        assertThat(batches.size()).isEqualTo(1);
    }

    @Test
    void aFedBatchIsForgottenOnlyWhenManyOthersAreHereAndNothingOfItCameBack() throws Exception {
        ActiveBatches batches = lookedThrough(2);
        ActiveBatch first = added(batches, 1);
        ActiveBatch second = added(batches, 2);
        batches.fed(first);
        assertThat(first.stage()).isEqualTo(Stage.FED);
        assertThat(batches.find(1)).as("there is room for both").isSameAs(first);

        added(batches, 3);
        second.keepFirst(task(second));
        second.moveTo(Stage.FED);
        batches.forgetIfIdle(second);
        assertThat(batches.find(2)).as("a job of it came back").isSameAs(second);

        first.handOver();
        batches.forgetIfIdle(first);
        assertThat(batches.find(1)).as("a job of it runs").isSameAs(first);
        first.jobsRecorded(1, 1);
        batches.fed(first);
        assertThat(batches.find(1)).isNull();
        batches.waitForTurn(second);
        batches.waiting().take();
        assertThat(store.asked)
                .as("it comes back with the first attempt that is due")
                .isEmpty();
    }

    @Test
    void aBatchOfWhichAJobCameBackBeforeItsFeederHadFedAllIsFedAgainOrHeld() {
        ActiveBatches batches = batches(4);
        ActiveBatch running = added(batches, 1);
        running.handOver();
        running.keep(task(running));
        batches.fed(running);
        assertThat(running.stage()).isEqualTo(Stage.WAITING);

        ActiveBatch paused = added(batches, 2);
        paused.handOver();
        paused.handOver();
        paused.keep(task(paused));
        paused.pause();
        batches.fed(paused);
        assertThat(paused.stage()).isEqualTo(Stage.HELD);
    }

    @Test
    void aPausedBatchIsHeldAndGoesOnWhenItIsNotPausedAnyMore() {
        ActiveBatches batches = batches(4);
        ActiveBatch batch = added(batches, 1);
        batch.handOver();
        batch.pause();
        batches.hold(batch);
        assertThat(batch.stage()).isEqualTo(Stage.HELD);
        batches.settle(batch);
        assertThat(batch.stage()).isEqualTo(Stage.HELD);

        batch.resume();
        batches.settle(batch);

        assertThat(batch.stage()).isEqualTo(Stage.WAITING);
        assertThat(batches.waiting().size()).isEqualTo(1);
    }

    @Test
    void aBatchThatIsResumedBeforeItsFeederGivesItUpGoesOnAtOnce() {
        ActiveBatches batches = batches(4);
        ActiveBatch batch = added(batches, 1);
        batches.hold(batch);
        assertThat(batch.stage()).isEqualTo(Stage.WAITING);
    }

    @Test
    void aHeldBatchWithNothingOnTheWayIsTheStoresAlone() {
        ActiveBatches batches = batches(4);
        ActiveBatch batch = added(batches, 1);
        batch.pause();
        batches.hold(batch);
        assertThat(batches.find(1)).isNull();
        assertThat(batch.stage()).isEqualTo(Stage.FORGOTTEN);
    }

    @Test
    void aFedBatchOfWhichJobsComeBackIsHeldWhilePausedAndElseFedAgain() {
        ActiveBatches batches = batches(4);
        ActiveBatch paused = added(batches, 1);
        paused.pause();
        paused.handOver();
        paused.handOver();
        batches.fed(paused);
        assertThat(paused.stage()).isEqualTo(Stage.FED);
        paused.keep(task(paused));
        assertThat(paused.stage()).isEqualTo(Stage.HELD);

        ActiveBatch running = added(batches, 2);
        running.handOver();
        running.handOver();
        batches.fed(running);
        batches.settle(running);
        assertThat(running.stage()).isEqualTo(Stage.FED);
        running.keep(task(running));
        assertThat(running.stage()).isEqualTo(Stage.WAITING);
        assertThat(batches.waiting().size()).isEqualTo(1);
    }

    @Test
    void whoWaitsForAPlaceGoesOnWithTheCallOrWithTheCancel() {
        ActiveBatches batches = batches(4);
        ActiveBatch called = added(batches, 1);
        batches.waitForPlace(called);
        assertThat(called.stage()).isEqualTo(Stage.LIMITED);
        batches.settle(called);
        assertThat(called.stage()).isEqualTo(Stage.LIMITED);
        called.placeMayBeFree();
        assertThat(called.stage()).isEqualTo(Stage.WAITING);

        ActiveBatch cancelled = added(batches, 2);
        batches.waitForPlace(cancelled);
        cancelled.stop(StopReason.CANCEL);
        batches.settle(cancelled);
        assertThat(cancelled.stage()).isEqualTo(Stage.WAITING);

        ActiveBatch calledBefore = added(batches, 3);
        calledBefore.placeMayBeFree();
        batches.waitForPlace(calledBefore);
        assertThat(calledBefore.stage()).isEqualTo(Stage.WAITING);
        assertThat(batches.waiting().size()).isEqualTo(3);
    }

    @Test
    void whenVeryManyWaitForAPlaceTheNextOneAsksWhenItIsItsTurn() {
        ActiveBatches batches = batches(8);
        for (int number = 1; number <= 16_384; number++) {
            batches.waitForPlace(added(batches, number));
        }
        assertThat(batches.find(16_384).stage()).isEqualTo(Stage.LIMITED);
        for (int number = 16_385; number <= 16_387; number++) {
            batches.waitForPlace(added(batches, number));
            assertThat(batches.find(number).stage()).isEqualTo(Stage.WAITING);
        }
        batches.find(1).placeMayBeFree();
        batches.waitForPlace(added(batches, 20_000));
        assertThat(batches.find(20_000).stage()).isEqualTo(Stage.LIMITED);
        batches.waitForPlace(added(batches, 20_001));
        assertThat(batches.find(20_001).stage()).isEqualTo(Stage.WAITING);
    }

    @Test
    void aBatchThatTheStoreHasMadeGoesToTheRingOnce() {
        ActiveBatches batches = batches(4);
        batches.addWaiting(batch(1));
        batches.addWaiting(batch(1));
        assertThat(batches.waiting().size()).isEqualTo(1);
        assertThat(batches.find(ref(1)).stage()).isEqualTo(Stage.WAITING);
    }

    @Test
    void whatIsDoneToABatchThatIsNotHereHasTheStoreLookedThrough() throws Exception {
        ActiveBatches batches = lookedThrough(4);
        List<ActiveBatch> done = new ArrayList<>();
        ActiveBatch here = added(batches, 1);
        batches.with(ref(1), done::add);
        assertThat(done).containsExactly(here);
        batches.waitForTurn(here);
        batches.waiting().take();
        assertThat(store.asked).isEmpty();

        batches.with(ref(2), done::add);
        assertThat(done).containsExactly(here);
        batches.waitForTurn(here);
        batches.waiting().take();
        assertThat(store.asked).as("for one that is not here").hasSize(1);

        here.moveTo(Stage.FORGOTTEN);
        batches.with(ref(1), done::add);
        batches.waitForTurn(here);
        batches.waiting().take();
        assertThat(store.asked).as("for one that was just forgotten").hasSize(2);
    }

    @Test
    void whoComesAgainFindsTheBatchInMemoryOrTakesItUp() throws Exception {
        ActiveBatches batches = lookedThrough(4);
        ActiveBatch here = added(batches, 1);
        assertThat(batches.enter(1)).isSameAs(here);
        assertThat(here.handed()).isEqualTo(1);
        batches.leave(here);
        assertThat(here.handed()).isZero();

        store.has(3, BatchState.RUNNING, null);
        store.nextAttempts.put(3L, 55L);
        assertThat(batches.enter(2)).as("the store has a later one only").isNull();
        ActiveBatch taken = batches.enter(3);
        assertThat(taken).isSameAs(batches.find(3));
        assertThat(taken.handed()).isEqualTo(1);
        assertThat(taken.stage()).isEqualTo(Stage.WAITING);
        assertThat(batches.waiting().size()).isEqualTo(1);
        assertThat(store.renewed).containsExactly(3L);
        assertThat(takenUp).containsExactly("b3 at 55");
    }

    @Test
    void whoIsTheLastToLeaveAParkedBatchForgetsIt() {
        ActiveBatches batches = batches(1);
        batches.waitForTurn(added(batches, 2));
        ActiveBatch parked = added(batches, 1);
        assertThat(batches.enter(1)).isSameAs(parked);
        batches.waitForTurn(parked);
        assertThat(batches.find(1)).isSameAs(parked);
        batches.leave(parked);
        assertThat(batches.find(1)).isNull();
    }

    @Test
    void nobodyEntersABatchThatIsBeingTakenUp() {
        ActiveBatches batches = batches(4);
        List<Optional<ActiveBatch>> entered = new ArrayList<>();
        store.has(1, BatchState.RUNNING, null);
        store.whileRenewing = () -> entered.add(Optional.ofNullable(batches.enter(1)));
        assertThat(batches.enter(1)).isNotNull();
        assertThat(entered).containsExactly(Optional.empty());
    }

    @Test
    void whatHasEndedOrIsPausedMeanwhileIsNotTakenUpAndWhatIsStoppedIs() throws Exception {
        ActiveBatches batches = lookedThrough(4);
        store.has(1, BatchState.ENDED, null);
        assertThat(batches.enter(1)).isNull();
        assertThat(isLookedThrough(batches)).as("nothing is left of it").isFalse();
        store.has(2, BatchState.PAUSED, null);
        assertThat(batches.enter(2)).isNull();
        assertThat(isLookedThrough(batches)).as("it may have been resumed").isTrue();

        store.has(4, BatchState.CANCELLING, StopReason.ON_ERROR);
        ActiveBatch stopped = batches.enter(4);

        assertThat(stopped.stopReason()).isEqualTo(StopReason.ON_ERROR);
        assertThat(store.renewed).containsExactly(4L);
        assertThat(batches.size()).isEqualTo(1);
    }

    /** Whether the next turn begins with a look through the store. */
    private boolean isLookedThrough(ActiveBatches batches) throws Exception {
        store.asked.clear();
        batches.waitForTurn(added(batches, 999));
        batches.waiting().take();
        batches.remove(ref(999));
        return !store.asked.isEmpty();
    }

    @Test
    void aPageOfWhatHasEndedOrIsPausedHasNobodyToFeed() throws Exception {
        ActiveBatches batches = batches(4);
        store.has(1, BatchState.ENDED, null);
        store.has(2, BatchState.PAUSED, null);
        store.has(3, BatchState.RUNNING, null);
        assertThat(batches.waiting().take().ref().batchNo()).isEqualTo(3);
        assertThat(batches.size()).isEqualTo(1);
        assertThat(store.renewed).containsExactly(3L);
    }

    @Test
    void aStoreThatFailsWhileABatchIsTakenUpLeavesNothingBehind() {
        ActiveBatches batches = batches(4);
        store.has(1, BatchState.RUNNING, null);
        IllegalStateException broken = new IllegalStateException("no store");
        store.whileRenewing = () -> {
            throw broken;
        };
        assertThatThrownBy(() -> batches.enter(1)).isSameAs(broken);
        assertThat(batches.find(1)).isNull();

        store.whileRenewing = () -> {};
        assertThat(batches.enter(1)).isNotNull();
    }

    @Test
    void theStoreIsReadInPages() throws Exception {
        ActiveBatches batches = batches(WaitingBatches.CAPACITY);
        for (int number = 1; number <= 300; number++) {
            store.has(number, BatchState.RUNNING, null);
        }
        for (int turn = 1; turn <= 300; turn++) {
            assertThat(batches.waiting().take().ref().batchNo()).isEqualTo(turn);
        }
        assertThat(store.asked).containsExactly(0L, 256L);
        assertThat(batches.size()).isEqualTo(300);
    }

    @Test
    void whatIsHereIsNotTakenUpFromThePageAsWell() throws Exception {
        ActiveBatches batches = batches(4);
        store.has(1, BatchState.RUNNING, null);
        store.has(2, BatchState.RUNNING, null);
        ActiveBatch here = added(batches, 1);
        assertThat(batches.waiting().take().ref().batchNo()).isEqualTo(2);
        assertThat(batches.find(1)).isSameAs(here);
        assertThat(batches.waiting().size()).isZero();
    }
}
