/**
 * What a job does: {@link io.conveyor.handler.JobHandler}, the registry of kinds, and the built-in kinds. Uses
 * {@code job} alone, so that a kind can be written and tested without the service around it.
 *
 * <p>A plug-in is written against {@link io.conveyor.handler.JobHandler}, {@link io.conveyor.handler.JobContext},
 * {@link io.conveyor.handler.JobOutput}, {@link io.conveyor.handler.JobFailure} and
 * {@link io.conveyor.handler.RawJson} here, and {@link io.conveyor.job.JobKind} and {@link io.conveyor.job.JobError}:
 * these stay as they are, or the version of the service says so. What else is public here is so for the engine, and may
 * change.
 */
@NullMarked
package io.conveyor.handler;

import org.jspecify.annotations.NullMarked;
