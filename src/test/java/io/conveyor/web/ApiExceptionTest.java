package io.conveyor.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.conveyor.job.BatchState;
import io.conveyor.job.JobError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.catalina.connector.ClientAbortException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import tools.jackson.databind.json.JsonMapper;

@ExtendWith(OutputCaptureExtension.class)
class ApiExceptionTest {

    private final MockHttpServletRequest request = new MockHttpServletRequest("POST", "/v1/batches");
    private final MockHttpServletResponse response = new MockHttpServletResponse();

    @Test
    void aViolationKeepsItsOwnMembersBesideTheCommonOnes() throws IOException {
        Violation violation =
                new Violation("/0/kind", "unknown-kind", "No such kind.", Map.of("known_kinds", List.of("echo")));
        ProblemWriter.write(request, response, ApiException.validationFailed(List.of(violation)));
        assertThat(response.getContentAsString())
                .contains("\"detail\":\"/0/kind: No such kind.\"")
                .endsWith("\"errors\":[{\"pointer\":\"/0/kind\",\"code\":\"unknown-kind\",\"detail\":\"No such kind.\","
                        + "\"known_kinds\":[\"echo\"]}]}");
    }

    @Test
    void atMostAHundredErrorsAreShown() {
        Violation violation = new Violation("/0", "wrong-type", "This must be an object.");
        ApiException all = ApiException.validationFailed(Collections.nCopies(100, violation));
        assertThat(all.extensions()).containsOnlyKeys("errors");

        ApiException cut = ApiException.validationFailed(Collections.nCopies(101, violation));
        assertThat(cut.extensions()).containsEntry("errors_truncated", true);
        assertThat((List<?>) cut.extensions().get("errors")).hasSize(100);
        assertThat(cut.detail()).startsWith("Of 101 errors");
    }

    @Test
    void retryAfterIsAtLeastASecondInHeaderAndBody() {
        ApiException e = ApiException.draining(0);
        assertThat(e.headers()).containsEntry("Retry-After", "1");
        assertThat(e.extensions()).containsEntry("retry_after_seconds", 1L);
    }

    @Test
    void aCopyLeavesItsOriginalAlone() {
        ApiException e = ApiException.unknownBatch("b");
        assertThat(e.with("more", 1).header("X", "y").extensions()).containsOnlyKeys("batch_id", "more");
        assertThat(e.extensions()).containsOnlyKeys("batch_id");
        assertThat(e.getStackTrace()).isEmpty();
    }

    @Test
    void aProblemOfAResultIsNoAnswer() {
        assertThatThrownBy(() -> ApiException.of(Problem.JOB_FAILED, "x")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void everyAnswerHasAProblemOfItsStatus() {
        assertThat(ApiException.batchExists("b", BatchState.RUNNING).extensions())
                .containsEntry("state", "running");
        for (Problem problem : Problem.values()) {
            problem.status()
                    .ifPresent(status -> assertThat(
                                    Problem.ofStatus(status).status().orElseThrow())
                            .as("%s", problem)
                            .isIn(status, 400, 500));
        }
    }

    @Test
    void theErrorsOfJobsSpeakTheSameWords() {
        for (JobError error : List.of(
                JobError.failed("d", true),
                JobError.invalid("d"),
                JobError.timeout(1),
                JobError.unknownKind("d"),
                JobError.missingKind("k"))) {
            assertThat(Problem.ofSlug(error.slug()).orElseThrow().title()).isEqualTo(error.title());
        }
    }

    @Test
    void aParserDoesNotHideThatTheBodyIsTooLarge() throws IOException {
        request.setContent(("[" + "1,".repeat(5000) + "1]").getBytes(StandardCharsets.US_ASCII));
        MockHttpServletRequest chunked = new MockHttpServletRequest() {
            @Override
            public long getContentLengthLong() {
                return -1;
            }
        };
        chunked.setContent(request.getContentAsByteArray());
        InputStream body = BodyLimit.of(chunked, chunked.getInputStream(), 100, 10);
        Throwable thrown = catchThrowable(() -> new JsonMapper().readValue(body, int[].class));
        assertThat(ExceptionTranslator.translate(thrown).orElseThrow().problem())
                .isEqualTo(Problem.PAYLOAD_TOO_LARGE);
    }

    @Test
    void nothingIsSaidToAClientThatIsGone(CapturedOutput log) throws IOException {
        Exception gone = new RuntimeException(new ClientAbortException(new IOException("Connection reset by peer")));
        assertThat(ProblemAdvice.answered(gone, request, response)).isTrue();
        assertThat(response.getContentAsByteArray()).isEmpty();
        assertThat(log.getOut()).doesNotContain("ERROR");

        // A part is on its way: only the container can break the connection.
        response.setCommitted(true);
        assertThat(ProblemAdvice.answered(gone, request, response)).isFalse();
    }

    @Test
    void aResetOfAnotherConnectionIsAFaultOfOurs(CapturedOutput log) throws IOException {
        ProblemAdvice.answered(new IOException("Connection reset by peer"), request, response);
        assertThat(response.getStatus()).isEqualTo(500);
        assertThat(log.getOut()).contains("Connection reset by peer");
    }

    @Test
    void anExcerptIsOneShortLine() {
        assertThat(Texts.excerpt("a\r\nb")).isEqualTo("a??b");
        assertThat(Texts.excerpt("😀".repeat(100))).hasSize(81).endsWith("…");
        // A character of two halves is never cut in the middle.
        assertThat(Texts.excerpt("x" + "😀".repeat(100))).endsWith("😀…").hasSize(80);
    }
}
