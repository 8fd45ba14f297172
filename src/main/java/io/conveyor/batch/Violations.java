package io.conveyor.batch;

import io.conveyor.web.ApiException;
import io.conveyor.web.Violation;
import java.util.ArrayList;
import java.util.List;

/** Collects what is wrong with a body, as far as an answer can show it. Not thread-safe. */
final class Violations {

    /** One more than an answer shows: enough to know that there are more. */
    private static final int MAX = 101;

    private final List<Violation> found = new ArrayList<>();

    void add(Violation violation) {
        if (found.size() < MAX) {
            found.add(violation);
        }
    }

    /** What was found so far, in its order. */
    List<Violation> found() {
        return List.copyOf(found);
    }

    boolean isEmpty() {
        return found.isEmpty();
    }

    /** Refuses the body if anything was found. */
    void refuseIfAny() {
        if (!found.isEmpty()) {
            throw ApiException.validationFailed(found);
        }
    }
}
