package io.conveyor;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Many short lives of a service, each of which is stopped by two at once while others use it; afterwards none of its threads
 * is left. Prints its seed; {@code -Dseed=} repeats the plan, {@code -Dlives=} makes it longer or shorter.
 */
public final class ShortLives {

    /** Only a failing test waits so long. */
    private static final long PATIENCE_SECONDS = Long.getLong("patience", 60);

    private ShortLives() {}

    /** What a service does and has done to it; each life has a new one, unless it can be started again. */
    public interface Service {

        void start() throws Exception;

        /** Uses it until it is refused, or for a moment; called by two threads. */
        void use(SplittableRandom random) throws Exception;

        /** Called by two threads at once. */
        void stop() throws Exception;
    }

    /** Makes the service of one life. */
    public interface Maker {
        Service make() throws Exception;
    }

    /** Every tenth life is stopped before it is started, and started then. */
    public static void live(int lives, Maker maker, String... threadNames) throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("ShortLives: repeat with -Dseed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        LeftThreads threads = LeftThreads.of(threadNames);
        ExecutorService others = Executors.newCachedThreadPool();
        try {
            for (int life = 0; life < Integer.getInteger("lives", lives); life++) {
                Service service = maker.make();
                if (life % 10 == 9) {
                    service.stop();
                }
                service.start();
                use(service, others, random.split());
            }
        } finally {
            others.shutdownNow();
        }
        threads.assertNone();
    }

    private static void use(Service service, ExecutorService others, SplittableRandom random) throws Exception {
        CountDownLatch begin = new CountDownLatch(1);
        List<Future<?>> all = new ArrayList<>();
        for (int user = 0; user < 2; user++) {
            SplittableRandom own = random.split();
            all.add(others.submit(() -> {
                begin.await();
                service.use(own);
                return null;
            }));
        }
        for (int stopper = 0; stopper < 2; stopper++) {
            int spins = random.nextInt(50_000);
            all.add(others.submit(() -> {
                begin.await();
                for (int spin = 0; spin < spins; spin++) {
                    Thread.onSpinWait();
                }
                service.stop();
                return null;
            }));
        }
        begin.countDown();
        for (Future<?> each : all) {
            each.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
        service.stop();
    }
}
