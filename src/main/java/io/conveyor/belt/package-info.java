/**
 * The engine: feeds accepted batches to the worker pool, runs each job, records its outcome, goes on after a crash and
 * drains on stop. {@link io.conveyor.belt.Belt} is its face.
 */
@NullMarked
package io.conveyor.belt;

import org.jspecify.annotations.NullMarked;
