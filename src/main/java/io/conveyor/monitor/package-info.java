/**
 * What operators see: meters, the {@code workerpool} endpoint, health, and the line at the start. Only reads what the
 * engine and the store tell of themselves.
 */
@NullMarked
package io.conveyor.monitor;

import org.jspecify.annotations.NullMarked;
