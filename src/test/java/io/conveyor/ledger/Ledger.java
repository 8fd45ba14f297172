package io.conveyor.ledger;

import io.conveyor.ledger.Books.Stored;
import io.conveyor.service.ServiceProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A run: the service under load, the nemesis at work, the books compared now and then and at the end. What is drawn
 * follows from the seed; when it happens does not. One thread.
 */
final class Ledger implements AutoCloseable {

    /** Between two comparisons in the middle of a run. */
    private static final Duration LOOK = Duration.ofSeconds(20);

    /** A life is short here: nothing of it is worth the best compiler. */
    private static final List<String> SHORT_LIVED = List.of("-XX:+UseSerialGC", "-Xmx256m");

    private static final List<String> CREW = List.of(
            "--conveyor.pool.workers=" + CrewRules.WORKERS,
            "--conveyor.pool.caller-runs=" + CrewRules.CALLERS,
            "--conveyor.pool.queue-capacity=16");

    private final Load load;
    private final Lives lives;
    private final Calls calls;
    private final Prober prober;
    private final Nemesis nemesis;
    private final Complaints complaints = new Complaints();

    // Mutable state
    private Books books;

    /** @param only faults whose names have this in them; empty for all */
    Ledger(Path directory, long seed, String only) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        load = new Load(directory, random.split(), SHORT_LIVED, CREW);
        lives = load.lives();
        calls = load.calls();
        prober = new Prober(lives::port);
        Planner planner = new Planner(random.split(), "fault", load.target());
        nemesis = new Nemesis(new Scene(lives, calls, planner, random.split()), load.livesJournal(), only);
    }

    /** Ends early with the first complaint. */
    void run(Duration time) throws IOException, InterruptedException, SQLException {
        long deadline = System.nanoTime() + time.toNanos();
        long look = System.nanoTime() + LOOK.toNanos();
        prober.start();
        load.start();
        while (complaints.none() && System.nanoTime() - deadline < 0) {
            nemesis.strike();
            if (System.nanoTime() - look > 0) {
                compare(List.of());
                look = System.nanoTime() + LOOK.toNanos();
            }
        }
        load.stop();
        List<Stored> stored = new Auditor(calls).audit();
        lives.ending();
        lives.process().signal("TERM");
        lives.awaitEnd(0, ServiceProcess.TERMINATED);
        compare(stored);
        load.failures().forEach(failure -> complaints.add("client-failed", failure));
        askTheFile();
    }

    /** What was wrong once stays wrong, whatever the books say later. */
    private void compare(List<Stored> stored) {
        books = calls.book().with(load.targetBook().starts(), lives.book(), prober.probes(), stored);
        complaints.addAll(Checker.check(books));
    }

    private void askTheFile() throws SQLException {
        String url = "jdbc:sqlite:" + load.workplace().directory().resolve("data/conveyor.db");
        try (Connection file = DriverManager.getConnection(url);
                Statement statement = file.createStatement()) {
            expect(statement, "PRAGMA integrity_check", "ok");
            expect(statement, "SELECT count(*) FROM batch WHERE state <> 'ended'", "0");
            expect(statement, "SELECT count(*) FROM segment WHERE open > 0", "0");
        }
    }

    private void expect(Statement statement, String sql, String expected) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            String answer = row.getString(1);
            complaints.unless(answer.equals(expected), "file-is-wrong", sql, answer);
        }
    }

    Complaints complaints() {
        return complaints;
    }

    String report() {
        return Report.of(books, nemesis, calls.counts());
    }

    @Override
    public void close() {
        prober.close();
        load.close();
    }
}
