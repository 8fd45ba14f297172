package io.conveyor.store;

import io.conveyor.job.SteadyClock;
import java.time.Clock;

/**
 * The time in two ways, milliseconds since the epoch both: by the wall clock, which is what people and other processes go by,
 * and by the steady one, by which deadlines go. Thread-safe.
 */
record Times(Clock wall, SteadyClock steady) {

    long wallMillis() {
        return wall.millis();
    }

    long steadyMillis() {
        return steady.millis();
    }
}
