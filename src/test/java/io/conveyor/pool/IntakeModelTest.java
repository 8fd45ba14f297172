package io.conveyor.pool;

import static io.conveyor.Schedules.check;
import static io.conveyor.Schedules.explore;
import static io.conveyor.Schedules.together;

import io.conveyor.pool.Intake.Verdict;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The way into the pool under every schedule: never more queued than there is room for, every ticket queued, run by its
 * caller, or refused, and nobody left waiting. The crew is a queue with room for everything, so that only the intake bounds it;
 * what the real one adds, its stop beside a hand-over, is tried with real threads ({@code DrainTest}).
 */
class IntakeModelTest {

    private static final long FOR_EVER = WorkerPool.FOREVER_NANOS;

    /** A queue that anybody may take from, and that is shut down as an executor is: it looks again after an offer. */
    private static final class Crew implements Intake.Destination {

        private final BlockingQueue<Runnable> queue = new ArrayBlockingQueue<>(8);
        private final int capacity;
        private volatile boolean shutDown;

        Crew(int capacity) {
            this.capacity = capacity;
        }

        @Override
        public boolean tryHandOver(Ticket ticket) {
            if (shutDown) {
                return false;
            }
            queue.add(ticket);
            check(queue.size() <= capacity, "more in the queue than there is room for");
            return !shutDown || !queue.remove(ticket);
        }

        @Override
        public BlockingQueue<Runnable> getQueue() {
            return queue;
        }
    }

    /** An intake with its crew, and a count of what became of tickets. */
    private static final class Scene {

        final Crew crew;
        final Intake intake;
        final AtomicInteger queued = new AtomicInteger();
        final AtomicInteger ran = new AtomicInteger();
        final AtomicInteger refused = new AtomicInteger();
        final AtomicInteger workedOff = new AtomicInteger();
        private volatile boolean stopped;

        Scene(int capacity, int permits) {
            crew = new Crew(capacity);
            List<Slot> slots = permits == 0 ? List.of() : List.of(new Slot(null, 1, "caller-1", 0));
            intake = new Intake(crew, new WorkerPoolConfig("test", capacity, capacity, 10, permits), slots, () -> 0);
        }

        /** Brings a task as a caller does, and runs it there if it is told so. */
        @Nullable
        Verdict bring(Ticket ticket, boolean mayRun) throws InterruptedException {
            Verdict verdict = intake.hand(ticket, mayRun, FOR_EVER);
            switch (verdict) {
                case QUEUED -> queued.incrementAndGet();
                case RUN -> {
                    check(!stopped, "it runs after the stop has ended");
                    ran.incrementAndGet();
                    intake.givePermitBack(ticket.permit());
                }
                case NO_ROOM, CLOSED -> refused.incrementAndGet();
            }
            return verdict;
        }

        /** Works off so many tickets, waiting for each. */
        void work(int tickets) throws InterruptedException {
            for (int n = 0; n < tickets; n++) {
                intake.taken((Ticket) crew.queue.take(), 0);
                workedOff.incrementAndGet();
            }
        }

        /** As a drain does it: how many were in the queue. */
        int stop() throws InterruptedException {
            intake.close();
            crew.shutDown = true;
            int back = intake.takeBack().size();
            check(intake.awaitPermitsHome(FOR_EVER), "a permit is missing");
            stopped = true;
            return back;
        }
    }

    private static Ticket ticket(boolean early, int bytes) {
        PoolTask task = early ? PoolTasks.task(bytes, () -> {}) : PoolTasks.lateTask(() -> {});
        return new Ticket(null, task, early, bytes, 0);
    }

    private static Ticket early() {
        return ticket(true, 0);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whoeverWaitsForRoomGetsItWhenAWorkerTakesATicket(boolean early) {
        explore(200, () -> {
            Scene scene = new Scene(1, 0);
            scene.bring(early(), false);
            together(() -> scene.bring(ticket(early, 0), false), () -> scene.work(2));
            check(scene.workedOff.get() == 2 && scene.queued.get() == 2, "lost");
            check(scene.intake.waiting() == 0, "somebody waits still");
        });
    }

    @Test
    void twoWhoComeAtOnceNeverShareOnePlace() {
        explore(300, () -> {
            Scene scene = new Scene(1, 0);
            together(
                    () -> scene.bring(early(), false), () -> scene.bring(ticket(false, 0), false), () -> scene.work(2));
            check(scene.workedOff.get() == 2 && scene.queued.get() == 2, "lost");
        });
    }

    /** The large one holds a place for a moment that it cannot use, for which the small one may fail; then it has a permit. */
    @Test
    void roomThatWasHeldForAMomentOnlyIsMissedByNobody() {
        explore(300, () -> {
            Scene scene = new Scene(2, 1);
            scene.bring(ticket(true, 10), false);
            CountDownLatch smallHasItsPlace = new CountDownLatch(1);
            Ticket large = ticket(true, 10);
            together(
                    () -> {
                        check(scene.intake.hand(large, true, FOR_EVER) == Verdict.RUN, "it has no permit");
                        smallHasItsPlace.await(); // it runs for long
                    },
                    () -> {
                        check(scene.bring(ticket(false, 0), false) == Verdict.QUEUED, "there is room for it");
                        smallHasItsPlace.countDown();
                    });
        });
    }

    @Test
    void whoeverWaitsForAPermitGetsTheOneThatIsGivenBack() {
        explore(400, () -> {
            Scene scene = new Scene(1, 1);
            scene.bring(early(), false); // nobody takes it: the queue stays full
            together(() -> scene.bring(early(), true), () -> scene.bring(early(), true));
            check(scene.ran.get() == 2, "ran: " + scene.ran);
            check(scene.intake.waiting() == 0, "somebody waits still");
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyTicketIsQueuedOrRunOrRefusedByTheStopAndNobodyWaitsOn(boolean mayRun) {
        explore(300, () -> {
            Scene scene = new Scene(1, 1);
            scene.bring(early(), false);
            AtomicInteger back = new AtomicInteger();
            together(() -> scene.bring(early(), mayRun), () -> back.set(scene.stop()));
            check(scene.queued.get() + scene.ran.get() + scene.refused.get() == 2, "lost");
            check(scene.queued.get() == back.get(), "queued: " + scene.queued + ", handed back: " + back);
            check(scene.intake.waiting() == 0 && scene.intake.bytes() == 0, "something is left");
        });
    }

    @Test
    void whoeverWaitsWithATicketThatIsWithdrawnIsSentAway() {
        explore(400, () -> {
            Scene scene = new Scene(1, 0);
            scene.bring(early(), false);
            Ticket withdrawn = early();
            together(
                    () -> check(scene.bring(withdrawn, false) == Verdict.NO_ROOM, "it was not sent away"),
                    () -> scene.intake.withdraw(withdrawn));
            check(scene.intake.waiting() == 0, "somebody waits still");
        });
    }
}
