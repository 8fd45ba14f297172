package io.conveyor.web;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** Explains a problem to whoever follows its {@code type}. Safe for use by many threads; keeps nothing. */
@RestController
@Tag(name = "Problems")
final class ProblemPages {

    @GetMapping(path = "/problems/{slug}", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "What a problem means and what to do about it")
    @ApiResponse(responseCode = "200", description = "The problem")
    @ApiResponse(
            responseCode = "default",
            description = "A problem, with what to do about it",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_PROBLEM_JSON_VALUE,
                            schema = @Schema(ref = "#/components/schemas/Problem")))
    ProblemPage page(@PathVariable String slug) {
        return Problem.ofSlug(slug)
                .map(ProblemPage::of)
                .orElseThrow(() ->
                        ApiException.notFound("There is no problem '" + Texts.excerpt(slug) + "' in this service."));
    }

    /**
     * The page of one problem.
     *
     * @param type the path of this page, as in the problem object
     * @param status the HTTP status; left out for a problem that only stands inside a result
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record ProblemPage(String type, String title, @Nullable Integer status, String meaning, String remedy) {

        static ProblemPage of(Problem problem) {
            Integer status = problem.status().isPresent() ? problem.status().getAsInt() : null;
            return new ProblemPage(problem.type(), problem.title(), status, problem.meaning(), problem.remedy());
        }
    }
}
