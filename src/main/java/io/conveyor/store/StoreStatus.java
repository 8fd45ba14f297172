package io.conveyor.store;

import io.conveyor.job.BatchState;
import java.util.Map;

/**
 * How the store does, read without waiting for its writer.
 *
 * @param working false from a failed commit until the next that succeeds
 * @param trouble what the last failed commit said, empty while working
 * @param backlogJobs accepted jobs without an outcome
 * @param retryingJobs those of them that have failed an attempt and get another
 * @param batches number of batches by state; every state has an entry
 * @param outcomesInHand outcomes taken and not yet on the disk
 * @param lateOutcomes outcomes refused because their segment had another owner or was gone, since the start
 * @param databaseBytes size of the database, without the log
 * @param walBytes size of the write-ahead log
 * @param freeBytes room left on its disk
 * @param room whether there is enough for new batches
 */
public record StoreStatus(
        boolean working,
        String trouble,
        long backlogJobs,
        long retryingJobs,
        Map<BatchState, Long> batches,
        int outcomesInHand,
        long lateOutcomes,
        long databaseBytes,
        long walBytes,
        long freeBytes,
        boolean room) {}
