package io.conveyor.pool;

import org.jspecify.annotations.Nullable;

/** What {@link WorkerPool#map} does to each input. Must be thread-safe and should answer to interrupts. */
@FunctionalInterface
public interface Mapper<T extends @Nullable Object, R extends @Nullable Object> {

    R map(T input) throws Exception;
}
