/**
 * The HTTP face of a batch: reading a submission, answering with batches and results, waiting for them. May use job,
 * store, belt and web; runs nothing itself and holds nothing between two requests.
 */
@NullMarked
package io.conveyor.batch;

import org.jspecify.annotations.NullMarked;
