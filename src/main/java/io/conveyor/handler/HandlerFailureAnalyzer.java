package io.conveyor.handler;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Prints handlers that the service cannot start with as two sentences instead of a stack. */
final class HandlerFailureAnalyzer extends AbstractFailureAnalyzer<HandlerStartException> {

    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, HandlerStartException cause) {
        return new FailureAnalysis(cause.getMessage(), cause.remedy(), cause);
    }
}
