package io.conveyor.batch;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * Limits of what is taken in. Over a limit a request is refused and nothing of it is kept.
 *
 * @param hold how long a submitter hands its jobs over itself before the background takes over; 0 or more
 * @param maxJobs maximum number of jobs in one batch
 * @param maxBody maximum size of the body of one submission
 * @param maxJsonBody maximum size of a body that is one JSON document, which is validated whole; not above {@code max-body}
 * @param maxGzipRatio maximum size of a gzip body when it is unpacked, as a multiple of its size; does not count for the
 *     first MiB; 2 or more
 * @param maxJobSize maximum size of one job, from its opening to its closing brace, and of the metadata of a batch;
 *     1 KB to 64 MB
 * @param maxBacklog maximum number of accepted jobs without an outcome; a submission that finds so many is refused
 * @param maxPause how long a client may send nothing in the middle of a body before the upload counts as broken; 1 second
 *     to 1 day
 * @param maxDuration how long the body of a batch that is taken whole may take to arrive, all in all; 1 second to 7 days
 * @param maxSubmissions maximum number of submissions that are read and handed over at the same time
 * @param maxLive maximum number of submissions among them that start while they arrive; their clients may pause although
 *     others wait for a place
 */
@ConfigurationProperties("conveyor.intake")
record IntakeProperties(
        @DefaultValue("10s") Duration hold,
        @DefaultValue("10000000") int maxJobs,
        @DefaultValue("4GB") DataSize maxBody,
        @DefaultValue("32MB") DataSize maxJsonBody,
        @DefaultValue("200") int maxGzipRatio,
        @DefaultValue("1MB") DataSize maxJobSize,
        @DefaultValue("50000000") long maxBacklog,
        @DefaultValue("2m") Duration maxPause,
        @DefaultValue("1h") Duration maxDuration,
        @DefaultValue("128") int maxSubmissions,
        @DefaultValue("64") int maxLive) {

    private static final Duration SHORTEST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofDays(1);
    private static final Duration LONGEST_BODY = Duration.ofDays(7);
    private static final DataSize SMALLEST_JOB = DataSize.ofKilobytes(1);
    private static final DataSize LARGEST_JOB = DataSize.ofMegabytes(64);

    IntakeProperties {
        require(!hold.isNegative(), "hold", hold, "0s (hand nothing over in the request) or longer, such as 10s");
        require(maxJobs >= 1, "max-jobs", maxJobs, "1 or more");
        require(maxBody.toBytes() >= 1, "max-body", maxBody, "larger than nothing, such as 4GB");
        require(
                maxJsonBody.toBytes() >= 1 && maxJsonBody.compareTo(maxBody) <= 0,
                "max-json-body",
                maxJsonBody,
                "larger than nothing and not above conveyor.intake.max-body, which is " + maxBody);
        require(maxGzipRatio >= 2, "max-gzip-ratio", maxGzipRatio, "2 or more: NDJSON often packs 20 times and more");
        require(
                maxJobSize.compareTo(SMALLEST_JOB) >= 0 && maxJobSize.compareTo(LARGEST_JOB) <= 0,
                "max-job-size",
                maxJobSize,
                "from 1KB to 64MB: every job is in memory as a whole");
        require(maxBacklog >= 1, "max-backlog", maxBacklog, "1 or more jobs");
        require(
                maxPause.compareTo(SHORTEST_PAUSE) >= 0 && maxPause.compareTo(LONGEST_PAUSE) <= 0,
                "max-pause",
                maxPause,
                "from 1s to 1d, such as 2m");
        require(
                maxDuration.compareTo(SHORTEST_PAUSE) >= 0 && maxDuration.compareTo(LONGEST_BODY) <= 0,
                "max-duration",
                maxDuration,
                "from 1s to 7d, such as 1h");
        require(maxSubmissions >= 1, "max-submissions", maxSubmissions, "1 or more");
        require(maxLive >= 0, "max-live", maxLive, "0 or more");
    }

    private static void require(boolean right, String key, Object value, String mend) {
        if (!right) {
            throw new IllegalArgumentException("conveyor.intake." + key + " is " + value + "; it must be " + mend);
        }
    }
}
