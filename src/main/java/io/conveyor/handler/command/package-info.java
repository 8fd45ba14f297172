/**
 * The job kind {@code command}: programs that the operator has declared, run as jobs. Uses {@code handler} and
 * {@code job}.
 */
@NullMarked
package io.conveyor.handler.command;

import org.jspecify.annotations.NullMarked;
