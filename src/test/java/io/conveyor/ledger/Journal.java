package io.conveyor.ledger;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.TimeUnit;

/** A book as a file, a line an entry, for whoever looks into a run afterwards. Thread-safe. */
final class Journal implements AutoCloseable {

    private final PrintWriter file;

    Journal(Path path) throws IOException {
        file = new PrintWriter(Files.newBufferedWriter(path), true);
    }

    void write(String text) {
        long now = Moment.now();
        Instant at = Instant.ofEpochSecond(
                TimeUnit.MICROSECONDS.toSeconds(now), TimeUnit.MICROSECONDS.toNanos(now % Moment.SECOND));
        file.println(at + " " + text);
    }

    @Override
    public void close() {
        file.close();
    }
}
