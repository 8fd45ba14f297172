/**
 * What a job does: {@link io.conveyor.handler.JobHandler}, the registry of kinds, and the built-in kinds. Uses
 * {@code job} alone, so that a kind can be written and tested without the service around it.
 */
@NullMarked
package io.conveyor.handler;

import org.jspecify.annotations.NullMarked;
