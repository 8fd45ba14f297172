package io.conveyor.pool;

/** What became of a task that was offered to a {@link WorkerPool}. */
public enum Handover {
    /** It waits in the queue: it will be run by a worker, or handed back by {@link WorkerPool#drain}. */
    QUEUED,
    /** There was no room, so the offering thread has run it; it is finished. */
    RAN_IN_CALLER,
    /** There was neither room nor a permit in time; the pool has not kept it. */
    NO_ROOM
}
