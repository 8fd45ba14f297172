package io.conveyor.ledger;

import io.conveyor.ledger.Books.Halt;
import io.conveyor.ledger.Books.Life;
import io.conveyor.service.ServiceProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * The processes of the service, one after the other on the same data, and the book about them. Begun and ended by one
 * thread; asked by all.
 */
final class Lives implements AutoCloseable {

    /** Milliseconds that running jobs get at a stop. */
    static final int DRAIN = 2000;

    /** What a stop may take beside the drain, on a busy machine. */
    private static final Duration STOP = Duration.ofMillis(DRAIN + 10_000);

    private final Path directory;
    private final List<String> jvmFlags;
    private final List<String> options;
    private final Journal journal;

    // Mutable state
    /** Guarded by itself; written by the one thread. */
    private final List<Entry> book = new ArrayList<>();

    private volatile ServiceProcess process;
    private volatile boolean up;

    Lives(Path directory, List<String> jvmFlags, List<String> options, Journal journal) {
        this.directory = directory;
        this.jvmFlags = List.copyOf(jvmFlags);
        this.options = options;
        this.journal = journal;
        spawn(List.of());
        awaitReady();
    }

    /** Another process; does not wait until it is ready. */
    void spawn(List<String> prefix) {
        process = ServiceProcess.spawn(ServiceProcess.Launch.by(prefix), directory, jvmFlags, options);
        int number;
        synchronized (book) {
            number = book.size() + 1;
            book.add(new Entry(number));
        }
        journal.write("life " + number + " begins, process " + process.pid() + " " + prefix);
    }

    void awaitReady() {
        process.awaitReady();
        change(entry -> entry.readyAt = Moment.now());
        up = true;
        journal.write("ready");
    }

    /** Called before the process is told to end, or before a fault for which it has to. */
    void ending() {
        change(entry -> entry.stopAt = Math.min(entry.stopAt, Moment.now()));
    }

    /** Waits for the end of the process, which may exit with these. */
    void awaitEnd(Integer... exits) {
        int exit = process.awaitExit();
        up = false;
        List<String> trouble = process.trouble();
        change(entry -> {
            entry.endedAt = Moment.now();
            entry.exit = exit;
            entry.exits = Set.of(exits);
            entry.trouble = trouble.stream()
                    .filter(line -> entry.mayLog.stream()
                            .noneMatch(lines -> lines.matcher(line).find()))
                    .toList();
        });
        journal.write("life ends with " + exit);
    }

    /** SIGKILL, and the end. */
    void kill() {
        ending();
        process.signal("KILL");
        awaitEnd(ServiceProcess.KILLED);
    }

    /** From now on the log of this process may have lines of trouble in which this is found. */
    void mayLog(Pattern lines) {
        change(entry -> entry.mayLog.add(lines));
    }

    void halted(Halt.Why why, long from) {
        change(entry -> entry.halts.add(new Halt(why, from, Moment.now())));
    }

    private void change(Consumer<Entry> change) {
        synchronized (book) {
            change.accept(book.get(book.size() - 1));
        }
    }

    ServiceProcess process() {
        return process;
    }

    /** Whether clients may expect answers. */
    boolean up() {
        return up;
    }

    int port() {
        return up ? process.uri("/").getPort() : 0;
    }

    Path directory() {
        return directory;
    }

    List<Life> book() {
        synchronized (book) {
            return book.stream().map(Entry::life).toList();
        }
    }

    @Override
    public void close() {
        process.close();
    }

    /** A life so far. Guarded by the book. */
    private static final class Entry {

        private final int number;
        private final long spawnedAt = Moment.now();
        private long readyAt = Long.MAX_VALUE;
        private long stopAt = Long.MAX_VALUE;
        private long endedAt = Long.MAX_VALUE;
        private int exit = -1;
        private Set<Integer> exits = Set.of();
        private List<String> trouble = List.of();
        private final List<Pattern> mayLog = new ArrayList<>();
        private final List<Halt> halts = new ArrayList<>();

        Entry(int number) {
            this.number = number;
        }

        Life life() {
            return new Life(
                    number,
                    spawnedAt,
                    readyAt,
                    stopAt,
                    endedAt,
                    STOP.toNanos() / 1000,
                    exit,
                    exits,
                    List.copyOf(halts),
                    trouble);
        }
    }
}
