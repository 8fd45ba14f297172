package io.conveyor.belt;

import io.conveyor.pool.DrainReport;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.context.ApplicationContext;
import org.springframework.context.SmartLifecycle;

/**
 * Starts the belt before the web server and drains it before that stops, so that while jobs drain clients still get
 * their results, probes their answer, and new batches their 503.
 *
 * <p>Called by the container's start and stop threads, one at a time; a second stop does nothing.
 */
final class BeltLifecycle implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(BeltLifecycle.class);

    private final Belt belt;
    private final Duration drain;
    private final ApplicationContext context;
    private volatile boolean running;

    BeltLifecycle(Belt belt, Duration drain, ApplicationContext context) {
        this.belt = belt;
        this.drain = drain;
        this.context = context;
    }

    @Override
    public void start() {
        belt.start();
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        AvailabilityChangeEvent.publish(context, ReadinessState.REFUSING_TRAFFIC);
        DrainReport report = belt.stop(drain);
        log.info(
                "Conveyor stopped: {} running jobs finished, {} were interrupted and {} waiting ones left;"
                        + " what has no outcome runs at the next start",
                report.finished(),
                report.interrupted(),
                report.returned().size());
        if (!report.stuck().isEmpty()) {
            log.warn("Jobs on {} ignored their interrupt; they end with the process", report.stuck());
        }
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** The highest phase: started last, stopped first, before the web server. */
    @Override
    public int getPhase() {
        return Integer.MAX_VALUE;
    }
}
