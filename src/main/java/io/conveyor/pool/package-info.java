/**
 * The worker pool: a fixed crew of threads over one queue that is bounded in number and in bytes, caller-runs with permits
 * for what does not fit, time limits without a timer per job, a busy-time meter, sizing advice and an ordered map.
 *
 * <p>Reusable on its own: it uses the JDK only and knows nothing of batches, stores or HTTP. Start reading at
 * {@link io.conveyor.pool.WorkerPool}.
 */
@NullMarked
package io.conveyor.pool;

import org.jspecify.annotations.NullMarked;
