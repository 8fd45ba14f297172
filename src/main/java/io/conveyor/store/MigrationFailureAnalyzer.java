package io.conveyor.store;

import java.sql.SQLException;
import org.flywaydb.core.api.FlywayException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Prints a migration that the database refused as two sentences; each is one transaction, so nothing of it is left. */
final class MigrationFailureAnalyzer extends AbstractFailureAnalyzer<FlywayException> {

    @Override
    protected @Nullable FailureAnalysis analyze(Throwable rootFailure, FlywayException cause) {
        SQLException refused = findCause(cause, SQLException.class);
        if (refused == null) {
            return null;
        }
        StoreStartException said = StoreStartException.ofDisk("The store", refused);
        return new FailureAnalysis(said.getMessage(), said.remedy(), cause);
    }
}
