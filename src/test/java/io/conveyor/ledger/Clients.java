package io.conveyor.ledger;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * All clients of a run, each at its own pace, which bounds what a run has to check. Thread-safe.
 *
 * <p><b>Threads and state.</b> A thread a client; each ends at its next pause after {@link #stop}.
 */
public final class Clients {

    /** Milliseconds between two requests of a client at the most. */
    private static final int SUBMIT = 900;

    private static final int UPLOAD = 6000;
    private static final int READ = 250;
    private static final int MEDDLE = 500;

    private final CountDownLatch stopped = new CountDownLatch(1);
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads = new ArrayList<>();

    /** One thing that a client does. */
    public interface Turn {
        void take() throws InterruptedException;
    }

    Clients(Calls calls, String target, SplittableRandom random) {
        for (int n = 1; n <= 4; n++) {
            add(
                    "submitter-" + n,
                    SUBMIT,
                    new Submitter(calls, planner(random, "mix" + n, target), random.split()),
                    random);
        }
        Planner slow = planner(random, "slow", target);
        add("slow", SUBMIT * 4, () -> calls.submit(slow.slow(), "respond-async"), random);
        Planner lines = planner(random, "lines", target);
        Submitter uploader = new Submitter(calls, lines, random.split());
        add("uploader", UPLOAD, () -> uploader.submit(lines.lines()), random);
        for (int n = 1; n <= 3; n++) {
            add("reader-" + n, READ, new Reader(calls, random.split()), random);
        }
        add("meddler", MEDDLE, new Meddler(calls, random.split()), random);
    }

    private static Planner planner(SplittableRandom random, String prefix, String target) {
        return new Planner(random.split(), prefix, target);
    }

    /**
     * One more client; before the start.
     *
     * @param pause milliseconds between two turns at the most
     */
    void add(String name, int pause, Turn turn, SplittableRandom random) {
        SplittableRandom own = random.split();
        threads.add(new Thread(
                () -> {
                    try {
                        while (!stopped.await(own.nextInt(pause), TimeUnit.MILLISECONDS)) {
                            turn.take();
                        }
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                },
                name));
    }

    void start() {
        threads.forEach(Thread::start);
    }

    /** Waits until the last one has got its answer. */
    void stop() throws InterruptedException {
        stopped.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
    }

    /** What a client did not understand: a fault of the harness, or an answer that no contract has. */
    List<Throwable> failures() {
        return List.copyOf(failures);
    }
}
