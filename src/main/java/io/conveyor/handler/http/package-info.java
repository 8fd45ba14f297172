/**
 * The job kind {@code http}: one HTTP request as a job, with the guard against server-side request forgery. Uses
 * {@code handler} and {@code job}.
 */
@NullMarked
package io.conveyor.handler.http;

import org.jspecify.annotations.NullMarked;
