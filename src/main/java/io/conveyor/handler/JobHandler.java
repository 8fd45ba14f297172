package io.conveyor.handler;

import io.conveyor.job.JobKind;
import org.jspecify.annotations.Nullable;

/**
 * What one kind of job does: bytes of JSON in, bytes of JSON out. To add a kind, make a bean of this type, or a plug-in: a
 * public class with a public constructor without parameters, which a jar names in
 * {@code META-INF/services/io.conveyor.handler.JobHandler}. A plug-in that is {@link AutoCloseable} is closed when the
 * service has stopped, as is a bean.
 *
 * <pre>{@code
 * @Component
 * class UpperCase implements JobHandler {
 *     record Input(String text) {}
 *     record Output(String text) {}
 *
 *     public JobKind kind() {
 *         return new JobKind("upper-case", "Turns a text to upper case", """
 *                 {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}""");
 *     }
 *
 *     public JobOutput handle(JobContext job) throws JobFailure {
 *         return JobOutput.json(new Output(job.input(Input.class).text().toUpperCase(Locale.ROOT)));
 *     }
 * }
 * }</pre>
 *
 * <p>One instance serves every job of its kind, on many threads at once: it keeps no state of a job in fields. A job
 * may run more than once (after a crash), so what it does outside must bear repetition; {@link JobContext#batchId()}
 * with {@link JobContext#index()} names it for good. A job never waits for another job.
 */
public interface JobHandler {

    /** Its name and what it takes, for {@code GET /v1/job-kinds}. The same at every call. */
    JobKind kind();

    /**
     * Does one job. Called on a worker, or on the thread that handed the job in; with no transaction and no lock held.
     * When the time limit passes or the service stops, the thread is interrupted: return soon, by any exception.
     *
     * @return the output, stored with the job's outcome
     * @throws JobFailure when the job failed in a way that its client should read about
     * @throws InterruptedException when interrupted
     * @throws Exception on a fault of the handler itself: logged here, and told to the client in general words only
     */
    JobOutput handle(JobContext job) throws Exception;

    /**
     * What a job calls that many jobs share and that may be down or busy as a whole, such as a host with its port: further
     * attempts are thinned out by it while it fails. Called on any thread, often, before or after an attempt; quick, and
     * nothing but a look at the job. A job that names none, or makes this throw, counts for itself.
     *
     * @return a short name, equal for jobs that call the same; null if there is no such thing
     * @throws Exception if the input is not as it should be
     */
    default @Nullable String target(JobContext job) throws Exception {
        return null;
    }
}
