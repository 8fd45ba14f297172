package io.conveyor.bench;

import java.nio.file.Files;
import java.util.List;
import java.util.Locale;

/**
 * Measures the packaged service and prints a table. Parts, for {@code -Dbench.only=…}: {@code start}, {@code limits},
 * {@code large}, {@code small}, {@code unattended}, {@code single}, {@code streams}, {@code sleep}.
 */
public final class ServiceBench {

    private static final byte[] ONE_JOB = Batches.echo(1, "wait=10");
    private static final byte[] HUNDRED_JOBS = Batches.echo(100, "wait=10");
    private static final byte[] BARE = HttpConnection.post("/echo", "", "{\"kind\":\"echo\",\"input\":12345}");
    private static final int LARGE = 100_000;
    private static final int[] CONNECTIONS = {1, 16, 64};

    private final Settings settings;
    private final Figures figures = new Figures();

    private ServiceBench(Settings settings) {
        this.settings = settings;
    }

    public static void main(String[] args) throws Exception {
        Settings settings = Settings.ofSystem();
        System.out.println(Machine.describe(settings));
        Files.createDirectories(settings.directory());
        new ServiceBench(settings).run();
    }

    private void run() throws Exception {
        long begin = System.nanoTime();
        start();
        limits();
        throughput();
        if (settings.measures("streams")) {
            new StreamLoad(settings, figures).measure();
        }
        sleep();
        System.out.println(figures.table());
        System.out.printf(
                Locale.ROOT, "%.0f s; load at the end %.1f%n", (System.nanoTime() - begin) / 1e9, Machine.load());
    }

    private void start() throws Exception {
        for (int run = 0; settings.measures("start") && run < settings.runs(); run++) {
            try (ServerProcess service = ServerProcess.conveyor(settings, ONE_JOB)) {
                figures.add("process start to the first batch with its result, s", service.startSeconds());
                figures.add("RSS after the start, MiB", service.memory("VmRSS"));
            }
        }
    }

    private void limits() throws Exception {
        SqliteLimit limit = new SqliteLimit(settings);
        for (int run = 0; settings.measures("limits") && run < settings.runs(); run++) {
            figures.add("limit: SQLite, one row a commit, commits/s", limit.commitsPerSecond());
            figures.add("limit: SQLite, segments of 256 jobs, 4 a commit, jobs/s", limit.segmentJobsPerSecond());
        }
    }

    private void throughput() throws Exception {
        if (List.of("large", "small", "unattended", "single").stream().noneMatch(settings::measures)) {
            return;
        }
        try (ServerProcess service = ServerProcess.conveyor(settings, ONE_JOB)) {
            warmUp(service.port());
            for (int run = 0; run < settings.runs(); run++) {
                large(service);
                small(service.port());
            }
            if (settings.measures("single")) {
                single(service);
            }
            figures.add("RSS after the load, MiB", service.memory("VmRSS"));
            figures.add("RSS at most, MiB", service.memory("VmHWM"));
        }
    }

    /** Every kind of load for a while, unmeasured: what is measured is the compiled service. */
    private void warmUp(int port) throws Exception {
        long millis = settings.warmUpMillis();
        Batches.toTheEnd(port, 1, LARGE, millis);
        ClosedLoop.warmUp(port, ONE_JOB, 200, settings);
        Batches.unattended(port, 16, 100, millis);
    }

    /** Rates move with what else the machine does; the processor time that a job takes does so less. */
    private void large(ServerProcess service) throws Exception {
        for (int connections : new int[] {1, 4}) {
            if (settings.measures("large")) {
                String name = "batches of 100,000" + on(connections);
                double cpu = service.cpuMicros();
                long begin = System.nanoTime();
                double rate = Batches.toTheEnd(service.port(), connections, LARGE, settings.millis());
                double jobs = rate * (System.nanoTime() - begin) / 1e9;
                figures.add(name + ", jobs/s", rate);
                figures.add(name + ", CPU a job, µs", (service.cpuMicros() - cpu) / jobs);
            }
        }
    }

    private static String on(int connections) {
        return connections == 1 ? ", 1 connection" : ", " + connections + " connections";
    }

    private void small(int port) throws Exception {
        if (settings.measures("small")) {
            for (int connections : new int[] {1, 4}) {
                double rate = ClosedLoop.run(port, HUNDRED_JOBS, 200, connections, settings.millis())
                        .perSecond();
                figures.add("batches of 100 with their results" + on(connections) + ", jobs/s", 100 * rate);
            }
        }
        if (settings.measures("unattended")) {
            double rate = Batches.unattended(port, 16, 100, settings.millis());
            figures.add("batches of 100, respond-async, 16 connections, jobs/s", rate);
        }
    }

    /** One-job batches and the bare echo by turns, so that what else the machine does hits both. */
    private void single(ServerProcess service) throws Exception {
        try (ServerProcess echo = ServerProcess.echo(settings, BARE)) {
            ClosedLoop.warmUp(echo.port(), BARE, 200, settings);
            for (int run = 0; run < settings.runs(); run++) {
                for (int connections : CONNECTIONS) {
                    compare(service, echo, connections);
                }
            }
        }
    }

    private void compare(ServerProcess service, ServerProcess echo, int connections) throws Exception {
        String on = on(connections);
        double echoCpu = echo.cpuMicros();
        ClosedLoop.Result bare = ClosedLoop.run(echo.port(), BARE, 200, connections, settings.millis());
        echoCpu = (echo.cpuMicros() - echoCpu) / bare.latencies().length;
        double cpu = service.cpuMicros();
        ClosedLoop.Result batch = ClosedLoop.run(service.port(), ONE_JOB, 200, connections, settings.millis());
        cpu = (service.cpuMicros() - cpu) / batch.latencies().length;
        figures.add("bare Spring echo" + on + ", requests/s", bare.perSecond());
        figures.add("bare Spring echo" + on + ", CPU a request, µs", echoCpu);
        figures.add("batches of 1 with the result" + on + ", batches/s", batch.perSecond());
        figures.add("batches of 1 with the result" + on + ", CPU a batch, µs", cpu);
        figures.add("batches of 1 / bare echo" + on, batch.perSecond() / bare.perSecond());
        if (connections == 1) {
            figures.add("bare echo, p50, ms", bare.millis(0.5));
            figures.add("batch of 1, submit to result, p50, ms", batch.millis(0.5));
            figures.add("batch of 1, submit to result, p99, ms", batch.millis(0.99));
        }
    }

    private void sleep() throws Exception {
        if (!settings.measures("sleep")) {
            return;
        }
        String workers = "--conveyor.pool.workers=" + SleepLoad.WORKERS;
        try (ServerProcess service =
                ServerProcess.conveyor(settings, ONE_JOB, workers, "--conveyor.pool.caller-runs=0")) {
            SleepLoad.warmUp(service.port());
            for (int run = 0; run < settings.runs(); run++) {
                SleepLoad.Result result = SleepLoad.run(service.port());
                figures.add("16 workers, 10 ms jobs / Little's limit", result.share());
                figures.add("utilisation of the last 10 s as told", result.told());
                figures.add("utilisation of the last 10 s from the results", result.real());
                figures.add("utilisation, told - real", result.told() - result.real());
            }
        }
    }
}
