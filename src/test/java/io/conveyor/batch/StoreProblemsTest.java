package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.store.StoreException;
import io.conveyor.store.StoreFailures;
import io.conveyor.web.ApiException;
import io.conveyor.web.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StoreProblemsTest {

    private final StoreProblems problems = new StoreProblems();

    @ParameterizedTest
    @CsvSource({"FULL,STORAGE_FULL,507", "UNAVAILABLE,UNAVAILABLE,503", "UNKNOWN,UNAVAILABLE,503"})
    void eachFailureOfTheStoreHasItsProblem(StoreException.Reason reason, Problem problem, int status) {
        ApiException answer = problems.problemOf(StoreFailures.failure(reason)).orElseThrow();

        assertThat(answer.problem()).isEqualTo(problem);
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.detail()).doesNotContain("secret");
        assertThat(answer.detail().contains("not known whether it was kept"))
                .isEqualTo(reason == StoreException.Reason.UNKNOWN);
        assertThat(answer.detail().contains("Nothing of this was kept"))
                .isEqualTo(reason != StoreException.Reason.UNKNOWN);
        assertThat(answer.extensions().get("kept"))
                .isEqualTo(reason == StoreException.Reason.UNKNOWN ? "unknown" : null);
    }

    @ParameterizedTest
    @CsvSource({"FULL,STORAGE_FULL", "UNAVAILABLE,UNAVAILABLE", "UNKNOWN,UNAVAILABLE"})
    void aBatchThatHasStartedIsNotSaidToBeGone(StoreException.Reason reason, Problem problem) {
        ApiException answer = (ApiException) StoreProblems.keptInPart(StoreFailures.failure(reason), "half");

        assertThat(answer.problem()).isEqualTo(problem);
        assertThat(answer.detail()).contains("batch 'half'").doesNotContain("Nothing of this was kept", "secret");
        assertThat(answer.extensions()).containsEntry("kept", "in-part").containsKey("retry_after_seconds");
    }

    @Test
    void otherFailuresAreNotTheStores() {
        assertThat(problems.problemOf(new IllegalStateException("a fault of ours")))
                .isEmpty();
    }
}
