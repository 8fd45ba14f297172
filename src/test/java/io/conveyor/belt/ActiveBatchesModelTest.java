package io.conveyor.belt;

import static io.conveyor.Schedules.check;
import static io.conveyor.Schedules.explore;
import static io.conveyor.Schedules.together;

import io.conveyor.belt.ActiveBatch.Stage;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.NewBatch;
import io.conveyor.store.Origin;
import io.conveyor.store.StoredBatch;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/**
 * Where batches stand, under every schedule of those who feed, pause, call and record: a batch that is to go on is in the
 * ring once, and one that is forgotten here is found in the store.
 */
class ActiveBatchesModelTest {

    private static final BatchRef REF = new BatchRef("default", 1, "b");

    /** The store, as far as it is asked who is to go on. It has one batch. */
    private static final class Backlog {

        private volatile BatchState state = BatchState.RUNNING;

        /** What a page that was read before the last change says. */
        private volatile BatchState seenInPage = BatchState.RUNNING;

        void set(BatchState now) {
            state = now;
            seenInPage = now;
        }

        BatchStore store() {
            return (BatchStore) Proxy.newProxyInstance(
                    BatchStore.class.getClassLoader(),
                    new Class<?>[] {BatchStore.class},
                    (proxy, method, arguments) -> switch (method.getName()) {
                        case "unfinished" ->
                            seenInPage == BatchState.RUNNING && (long) arguments[0] < REF.batchNo()
                                    ? List.of(stored(seenInPage))
                                    : List.of();
                        case "find" -> Optional.of(stored(state));
                        case "nextAttempt" -> OptionalLong.empty();
                        case "renewEpoch" -> null;
                        case "equals" -> proxy == arguments[0];
                        case "hashCode" -> 1;
                        case "toString" -> "backlog";
                        default -> throw new UnsupportedOperationException(method.getName());
                    });
        }

        private static StoredBatch stored(BatchState state) {
            return new StoredBatch(
                    REF,
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
                    null,
                    null,
                    null,
                    null);
        }
    }

    private static ActiveBatches batches(Backlog backlog, int ring) {
        return new ActiveBatches(backlog.store(), ring, (batch, at) -> {});
    }

    private static ActiveBatch added(ActiveBatches batches, long number) {
        NewBatch batch =
                new NewBatch(new BatchRef("default", number, "b" + number), null, null, new byte[] {1}, 0, 10, 0);
        batches.add(batch);
        return batches.find(number);
    }

    private static void checkIsInTheRingOnce(ActiveBatches batches, ActiveBatch batch) {
        check(batch.stage() == Stage.WAITING, "it stands at " + batch.stage());
        check(batches.waiting().size() == 1, "in the ring: " + batches.waiting().size());
    }

    /** It is paused already when who takes it up looks a second time, and resumed at any moment. */
    @Test
    void aBatchThatIsResumedWhileItIsTakenUpIsFed() {
        explore(600, () -> {
            Backlog store = new Backlog();
            store.state = BatchState.PAUSED;
            ActiveBatches batches = batches(store, 4);
            together(
                    () -> {
                        ActiveBatch taken = batches.waiting().take();
                        check(taken != null && !taken.isPaused(), "it is not to be fed");
                    },
                    () -> {
                        store.set(BatchState.RUNNING);
                        batches.with(REF, batch -> {
                            batch.resume();
                            batches.settle(batch);
                        });
                    });
            check(batches.waiting().size() == 0, "twice in the ring");
        });
    }

    @Test
    void whoGivesAPausedBatchUpAndWhoResumesItPutItIntoTheRingOnce() {
        explore(300, () -> {
            ActiveBatches batches = batches(new Backlog(), 4);
            ActiveBatch batch = added(batches, 1);
            batch.handOver(); // one of its jobs runs still
            batch.pause();
            together(() -> batches.hold(batch), () -> {
                batch.resume();
                batches.settle(batch);
            });
            checkIsInTheRingOnce(batches, batch);
        });
    }

    @Test
    void whoGivesABatchUpForALimitAndWhoCallsItPutItIntoTheRingOnce() {
        explore(300, () -> {
            ActiveBatches batches = batches(new Backlog(), 4);
            ActiveBatch batch = added(batches, 1);
            batch.asks();
            together(() -> batches.waitForPlace(batch), batch::placeMayBeFree, batch::placeMayBeFree);
            checkIsInTheRingOnce(batches, batch);
        });
    }

    /** The ring is full, and the only job of it that is on its way is recorded at any moment. */
    @Test
    void aParkedBatchIsForgottenWithItsLastJobAndFoundInTheStore() {
        explore(400, () -> {
            ActiveBatches batches = batches(new Backlog(), 1);
            batches.waitForTurn(added(batches, 2));
            ActiveBatch batch = added(batches, 1);
            batch.handOver();
            together(() -> batches.waitForTurn(batch), () -> {
                batch.jobsRecorded(1, 1);
                batches.forgetIfIdle(batch);
            });
            check(batch.stage() == Stage.FORGOTTEN, "it stands at " + batch.stage());
            check(batches.find(1) == null, "it is in memory");
            check(batches.waiting().take().ref().batchNo() == 2, "the one in the ring");
            check(batches.waiting().take().ref().batchNo() == 1, "the one from the store");
        });
    }

    @Test
    void nobodyBringsJobsToABatchThatIsForgotten() {
        explore(300, () -> {
            ActiveBatch batch = new ActiveBatch(REF, BatchRules.NONE, 10, 0, settled -> {});
            batch.moveTo(Stage.PARKED);
            AtomicBoolean entered = new AtomicBoolean();
            AtomicBoolean forgotten = new AtomicBoolean();
            together(() -> entered.set(batch.enter()), () -> forgotten.set(batch.forget(Stage.PARKED)));
            check(entered.get() != forgotten.get(), "entered: " + entered + ", forgotten: " + forgotten);
        });
    }
}
