package io.conveyor;

import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The threads that a service leaves behind, by the names of its threads; those that were there before do not count. */
public final class LeftThreads {

    /** How long a thread that has been told to end may take. Only a failing test waits so long. */
    private static final long PATIENCE_SECONDS = Long.getLong("patience", 60);

    private final Set<String> prefixes;
    private final Set<Thread> before;

    private LeftThreads(Set<String> prefixes) {
        this.prefixes = prefixes;
        before = alive().collect(Collectors.toSet());
    }

    /** Call it before the service is there. */
    public static LeftThreads of(String... prefixes) {
        return new LeftThreads(Set.of(prefixes));
    }

    private Stream<Thread> alive() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> prefixes.stream().anyMatch(thread.getName()::startsWith));
    }

    /** Waits for those to end that are about to. */
    public void assertNone() {
        long begin = System.nanoTime();
        while (left().findAny().isPresent()) {
            if (System.nanoTime() - begin > TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS)) {
                throw new AssertionError("Left behind: " + left().toList());
            }
            LockSupport.parkNanos(100_000);
        }
    }

    private Stream<Thread> left() {
        return alive().filter(thread -> !before.contains(thread));
    }
}
