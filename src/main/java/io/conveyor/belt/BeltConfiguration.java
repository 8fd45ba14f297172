package io.conveyor.belt;

import io.conveyor.handler.HandlerRegistry;
import io.conveyor.handler.HandlerStartException;
import io.conveyor.job.JobKind;
import io.conveyor.job.SteadyClock;
import io.conveyor.limit.Limits;
import io.conveyor.pool.PoolListener;
import io.conveyor.pool.SizingAdvice;
import io.conveyor.pool.WorkerPool;
import io.conveyor.pool.WorkerPoolConfig;
import io.conveyor.store.BatchStore;
import io.conveyor.store.RunningLog;
import java.time.Clock;
import java.util.stream.Collectors;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Puts the engine together. */
@Configuration(proxyBeanMethods = false)
class BeltConfiguration {

    @Bean
    WorkerPoolConfig workerPoolConfig(PoolProperties properties) {
        return properties.config();
    }

    /** Not an {@code Executor} bean: Spring would take it for its own asynchronous work. */
    @Bean(destroyMethod = "close")
    WorkerPool workerPool(WorkerPoolConfig config, ObjectProvider<PoolListener> listener) {
        return new WorkerPool(config, listener.getIfUnique(() -> PoolListener.NONE));
    }

    @Bean
    SizingAdvice sizingAdvice() {
        return new SizingAdvice();
    }

    @Bean
    RunningLog runningLogFile(RunningLog.Opener log, WorkerPoolConfig config) {
        return log.open(config.workers() + config.callerRuns());
    }

    @Bean
    Belt belt(
            WorkerPool pool,
            WorkerPoolConfig config,
            HandlerRegistry handlers,
            BatchStore store,
            SizingAdvice sizing,
            BeltProperties properties,
            Limits limits,
            Clock clock,
            SteadyClock steady,
            RunningLog runningLog) {
        requireKinds(limits, handlers);
        RetryPolicy retries = new RetryPolicy(properties.job(), steady);
        FailStop failStop = new FailStop(System::exit, Runtime.getRuntime()::halt);
        store.listen(failStop);
        RunningJobs running = new RunningJobs(config.workers() + config.callerRuns(), runningLog);
        JobRunner runner = new JobRunner(new JobRunner.Parts(
                pool, handlers, store, running, sizing, properties.job().timeout(), retries, clock, failStop::fatal));
        return new Belt(
                new Belt.Parts(
                        store,
                        pool,
                        handlers,
                        running,
                        runner,
                        retries,
                        limits,
                        properties.job().alone()),
                WaitingBatches.CAPACITY);
    }

    /**
     * A limit for a kind that nobody has would hold for no job, and nobody would notice.
     *
     * @throws HandlerStartException if there is such a limit
     */
    static void requireKinds(Limits limits, HandlerRegistry handlers) {
        limits.kinds()
                .forEach((name, kinds) -> kinds.forEach(kind -> {
                    if (handlers.find(kind).isEmpty()) {
                        String known =
                                handlers.kinds().stream().map(JobKind::name).collect(Collectors.joining(", "));
                        throw new HandlerStartException(
                                "conveyor.limits." + name + ".kinds names '" + kind
                                        + "', and there is no such kind of job.",
                                "Name one that there is: " + known + "; or add the plug-in that brings it.");
                    }
                }));
    }

    @Bean
    BeltLifecycle beltLifecycle(Belt belt, BeltProperties properties, ApplicationContext context) {
        return new BeltLifecycle(belt, properties.drain(), context);
    }
}
