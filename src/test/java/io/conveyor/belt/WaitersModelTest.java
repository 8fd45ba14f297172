package io.conveyor.belt;

import static io.conveyor.Schedules.check;
import static io.conveyor.Schedules.explore;
import static io.conveyor.Schedules.together;

import io.conveyor.job.JobState;
import io.conveyor.job.Run;
import io.conveyor.store.BatchRef;
import io.conveyor.store.OutcomeEntry;
import io.conveyor.store.SegmentRef;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.springframework.test.util.ReflectionTestUtils;

/** Those who wait, under every schedule: nobody is forgotten or called twice, and nothing of them stays behind. */
class WaitersModelTest {

    private static final int JOB = 5;

    /** What the store has, and who learnt of it. */
    private static final class Scene {

        final Waiters waiters = new Waiters();
        final AtomicBoolean stored = new AtomicBoolean();
        final AtomicInteger calls = new AtomicInteger();

        /** Waits as a request does: it registers, then looks, and goes away if it need not wait. */
        boolean waitFor(int index) {
            Belt.Registration mine = register(index, calls::incrementAndGet);
            if (stored.get()) {
                mine.close();
                return true;
            }
            return false;
        }

        Belt.Registration register(int index, Runnable callback) {
            return index < 0 ? waiters.onEnd(1, callback) : waiters.onOutcome(1, index, callback);
        }

        void record() {
            stored.set(true);
            waiters.recorded(1, OUTCOMES);
        }

        void end() {
            stored.set(true);
            waiters.ended(1);
        }

        void assertNothingLeft() {
            for (String map : List.of("waiting", "watched")) {
                Map<?, ?> left = (Map<?, ?>) ReflectionTestUtils.getField(waiters, map);
                check(left != null && left.isEmpty(), map + " is not empty");
            }
        }
    }

    private static final List<OutcomeEntry> OUTCOMES = List.of(new OutcomeEntry(
            SegmentRef.fresh(new BatchRef("default", 1, "b"), 0),
            JOB,
            "echo",
            null,
            JobState.SUCCEEDED,
            new byte[0],
            new Run(1, 0, 0, 0, 0, "w")));

    @Test
    void whoRegistersAndLooksMissesNoEndWhileAnotherGoesAway() {
        explore(400, () -> {
            Scene scene = new Scene();
            Belt.Registration other = scene.register(-1, () -> {});
            AtomicBoolean seen = new AtomicBoolean();
            together(() -> seen.set(scene.waitFor(-1)), other::close, scene::end);
            check(scene.calls.get() == 1 || seen.get(), "the end was missed");
            check(scene.calls.get() <= 1, "called twice");
            scene.assertNothingLeft();
        });
    }

    @Test
    void whoWaitsForAJobMissesItNotWhileAnotherOfItsBatchGoesAway() {
        explore(400, () -> {
            Scene scene = new Scene();
            Belt.Registration other = scene.register(JOB + 1, () -> {});
            AtomicBoolean seen = new AtomicBoolean();
            together(() -> seen.set(scene.waitFor(JOB)), other::close, scene::record);
            check(scene.calls.get() == 1 || seen.get(), "the outcome was missed");
            scene.assertNothingLeft();
        });
    }

    @Test
    void whoComesWhileAllAreReleasedIsCalledOnce() {
        explore(300, () -> {
            Scene scene = new Scene();
            together(() -> scene.register(-1, scene.calls::incrementAndGet), scene.waiters::releaseAll, scene::end);
            check(scene.calls.get() == 1, "called " + scene.calls + " times");
            scene.assertNothingLeft();
        });
    }

    @Test
    void whoGoesAwayAtTheEventIsCalledOnceOrNotAndLeavesNothing() {
        explore(300, () -> {
            Scene scene = new Scene();
            Belt.Registration mine = scene.register(JOB, scene.calls::incrementAndGet);
            together(mine::close, scene::record, scene.waiters::releaseAll);
            check(scene.calls.get() <= 1, "called twice");
            scene.assertNothingLeft();
        });
    }
}
