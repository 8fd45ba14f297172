package io.conveyor.batch;

import io.conveyor.web.QueryParameters;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The query parameters of a submission; {@link BatchOptions} reads them. Keeps nothing. */
final class SubmissionParameters {

    private SubmissionParameters() {}

    /** Those that say something of the batch. */
    @Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
    @Retention(RetentionPolicy.RUNTIME)
    @QueryParameters({
        Envelope.NAME,
        Envelope.METADATA,
        Envelope.TIMEOUT,
        Envelope.MAX_ATTEMPTS,
        Envelope.MAX_CONCURRENCY,
        Envelope.DEADLINE,
        Envelope.ON_ERROR,
        Envelope.THEN,
        Envelope.CALLBACK,
        BatchOptions.START
    })
    @interface OfBatch {}

    /** Those, and the order of the results that come back on the same connection. */
    @Target(ElementType.METHOD)
    @Retention(RetentionPolicy.RUNTIME)
    @OfBatch
    @QueryParameters(BatchOptions.ORDER)
    @interface OfExchange {}
}
