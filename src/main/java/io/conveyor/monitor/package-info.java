/**
 * What operators see: meters, the {@code workerpool} endpoint, health, the line at the start, and the refusal of keys that
 * nobody reads. Only reads what the engine and the store tell of themselves.
 */
@NullMarked
package io.conveyor.monitor;

import org.jspecify.annotations.NullMarked;
