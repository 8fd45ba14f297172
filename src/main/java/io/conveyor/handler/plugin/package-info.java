/**
 * Plug-ins: jars with a {@link io.conveyor.handler.JobHandler} that an operator puts into a directory. Uses
 * {@code handler} and {@code job}.
 */
@NullMarked
package io.conveyor.handler.plugin;

import org.jspecify.annotations.NullMarked;
