package io.conveyor.web;

import java.util.Optional;

/**
 * Says which problem an exception of another package is to a client, so that controllers let it pass instead of
 * translating it one by one. A bean; asked before anything else, on the request's thread.
 */
public interface ProblemSource {

    /** The problem to answer with, or empty if the exception is not one of this source's. */
    Optional<ApiException> problemOf(Exception thrown);
}
