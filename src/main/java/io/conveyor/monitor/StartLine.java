package io.conveyor.monitor;

import io.conveyor.belt.BeltProperties;
import io.conveyor.pool.WorkerPoolConfig;
import io.conveyor.store.BatchStore;
import io.conveyor.store.StoreProperties;
import io.conveyor.store.StoreStatus;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/** One line when the service is ready: what runs, where, and with which limits in force. */
@Component
final class StartLine {

    private static final Logger log = LoggerFactory.getLogger(StartLine.class);

    private final WorkerPoolConfig pool;
    private final BeltProperties belt;
    private final StoreProperties store;
    private final BatchStore batches;
    private final Environment environment;

    StartLine(
            WorkerPoolConfig pool,
            BeltProperties belt,
            StoreProperties store,
            BatchStore batches,
            Environment environment) {
        this.pool = pool;
        this.belt = belt;
        this.store = store;
        this.batches = batches;
        this.environment = environment;
    }

    @EventListener
    void ready(ApplicationReadyEvent event) {
        StoreStatus status = batches.status();
        log.info(
                "Conveyor is ready on port {} in {} ms: {} workers, {} caller-runs permits, queue of {} jobs and {} KiB,"
                        + " job timeout {}, drain {}, retention {}, store {} with {} open jobs, Java {}",
                environment.getProperty("local.server.port", "none"),
                event.getTimeTaken() == null ? "?" : event.getTimeTaken().toMillis(),
                pool.workers(),
                pool.callerRuns(),
                pool.queueCapacity(),
                pool.queueBytes() / 1024,
                belt.job().timeout(),
                belt.drain(),
                store.retention(),
                withoutParameters(environment.getProperty("spring.datasource.url", "none")),
                status.backlogJobs(),
                Runtime.version().feature());
    }

    /** Parameters of a database address may hold a password. */
    private static String withoutParameters(String url) {
        return url.split("\\?", 2)[0];
    }
}
