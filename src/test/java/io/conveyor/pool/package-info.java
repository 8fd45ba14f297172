/** Tests of the worker pool: real threads, latches and signals, no sleeps that decide. */
@NullMarked
package io.conveyor.pool;

import org.jspecify.annotations.NullMarked;
