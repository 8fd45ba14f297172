package io.conveyor.web;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A problem object as it goes over the wire (RFC 9457).
 *
 * @param instance the path of the request; null, and then left out, where the request had no readable one
 */
@JsonPropertyOrder({"type", "title", "status", "detail", "instance"})
@JsonInclude(JsonInclude.Include.NON_NULL)
record ProblemBody(
        String type,
        String title,
        int status,
        String detail,
        @Nullable String instance,
        @JsonAnyGetter Map<String, Object> extensions) {

    static ProblemBody of(ApiException problem, @Nullable String instance) {
        return new ProblemBody(
                problem.problem().type(),
                problem.problem().title(),
                problem.status(),
                problem.detail(),
                instance,
                problem.extensions());
    }
}
