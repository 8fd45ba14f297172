package io.conveyor.fuzz;

import io.conveyor.batch.BatchBodyFuzz;
import io.conveyor.batch.LineSplitterFuzz;
import io.conveyor.handler.command.ArgvFuzz;
import io.conveyor.handler.http.UrlGuardFuzz;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** What is attacked with hostile input. */
enum FuzzTarget {
    LINES(LineSplitterFuzz.class),
    BATCHES(BatchBodyFuzz.class),
    URLS(UrlGuardFuzz.class),
    ARGV(ArgvFuzz.class);

    private final Class<?> type;

    FuzzTarget(Class<?> type) {
        this.type = type;
    }

    /** The class that has the method that Jazzer calls. */
    Class<?> type() {
        return type;
    }

    /** Attacks it with these bytes; tells in a word what became of it. */
    String attack(byte[] data) throws IOException {
        return switch (this) {
            case LINES -> LineSplitterFuzz.attack(data);
            case BATCHES -> BatchBodyFuzz.attack(data);
            case URLS -> UrlGuardFuzz.attack(data);
            case ARGV -> ArgvFuzz.attack(data);
        };
    }

    /** Where its seeds are: inputs that are known to be nasty, and all that were once found. */
    Path seeds() {
        return Path.of("src/test/resources/fuzz").resolve(toString());
    }

    List<byte[]> readSeeds() {
        try (Stream<Path> files = Files.list(seeds())) {
            return files.sorted().map(FuzzTarget::read).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
