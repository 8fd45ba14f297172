package io.conveyor.batch;

import io.conveyor.job.Job;

/** Takes the jobs of a body in order, while it is read and on the thread that reads it. */
interface JobSink {

    void accept(Job job);

    /** The client has not sent more yet: what was taken need not wait for company. */
    default void pause() {}
}
