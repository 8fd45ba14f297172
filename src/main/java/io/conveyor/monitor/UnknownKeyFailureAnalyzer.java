package io.conveyor.monitor;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Prints a key that nobody reads as two sentences instead of a stack. */
final class UnknownKeyFailureAnalyzer extends AbstractFailureAnalyzer<UnknownKeyException> {

    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, UnknownKeyException cause) {
        return new FailureAnalysis(cause.getMessage(), cause.remedy(), cause);
    }
}
