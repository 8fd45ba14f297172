package io.conveyor.belt;

import io.conveyor.store.StoreException;
import io.conveyor.store.StoreListener;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends the process when going on would break a promise: what is on the disk stays, what is not runs at the next start.
 * After a failure of the disk in good order, on a thread of its own, and once. After an error of the JVM at once, on the
 * thread that met it: with no memory left nothing can be relied on to come to its end, and what runs at that moment is
 * suspected of it ({@link Quarantine}). Thread-safe.
 */
final class FailStop implements StoreListener {

    private static final Logger log = LoggerFactory.getLogger(FailStop.class);

    /** Exit code after an error inside the process, as EX_SOFTWARE in sysexits. */
    static final int SOFTWARE = 70;

    /** Exit code after a failure of the disk, as EX_IOERR in sysexits. */
    static final int DISK = 74;

    private final IntConsumer exit;
    private final IntConsumer halt;
    private final AtomicBoolean ending = new AtomicBoolean();

    /**
     * @param exit ends the process with that code in good order; may wait for the calling thread's owner to stop
     * @param halt ends it with that code and nothing else
     */
    FailStop(IntConsumer exit, IntConsumer halt) {
        this.exit = exit;
        this.halt = halt;
    }

    /** The memory or the machine under the process cannot be trusted any more. */
    void fatal(Error error) {
        try {
            log.error("The service ends after {}; start it again, jobs without an outcome go on", error.toString());
        } finally {
            halt.accept(SOFTWARE);
        }
    }

    @Override
    public void broken(StoreException failure) {
        log.error(
                "The service stops because its disk failed and nothing more can be promised; mend the disk, start it"
                        + " again, and what was accepted goes on",
                failure);
        end(DISK);
    }

    private void end(int code) {
        if (ending.compareAndSet(false, true)) {
            new Thread(() -> exit.accept(code), "conveyor-fail-stop").start();
        }
    }
}
