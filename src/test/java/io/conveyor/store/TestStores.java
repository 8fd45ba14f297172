package io.conveyor.store;

import java.nio.file.Path;
import java.time.Clock;
import java.util.function.LongSupplier;

/** Opens real stores on real files, for tests of other packages. */
public final class TestStores {

    private TestStores() {}

    /** A store with its file; closing it gives up both. */
    public record OpenStore(BatchStore store, Runnable closing) implements AutoCloseable {
        @Override
        public void close() {
            closing.run();
        }
    }

    /** Opens the store of that file as the service does, migrations included. */
    public static OpenStore open(Path file) {
        return open(file, Clock.systemUTC(), System::nanoTime);
    }

    /** The same with clocks that a test moves: that on the wall, and one that only goes forward. */
    public static OpenStore open(Path file, Clock wall, LongSupplier nanos) {
        SqliteStores opened = SqliteStores.open(file, wall, nanos);
        return new OpenStore(opened.store, opened::close);
    }
}
