/**
 * What every controller needs: problem+json on every error, limits on bodies, request ids, and the small parsers of
 * request headers. May use {@code io.conveyor.job} and Spring; knows nothing of batches.
 */
@NullMarked
package io.conveyor.web;

import org.jspecify.annotations.NullMarked;
