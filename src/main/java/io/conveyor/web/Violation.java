package io.conveyor.web;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * One thing that is wrong with a body: an entry of {@code errors}.
 *
 * @param pointer JSON Pointer (RFC 6901) to the value, such as {@code /jobs/3/kind}; empty for the whole document
 * @param code stable word for programs, such as {@code unknown-field}
 * @param detail a sentence for people: what is wrong, and what would be right
 * @param extensions further members, simple JSON values, in order; may be empty
 */
@JsonPropertyOrder({"pointer", "code", "detail"})
public record Violation(
        String pointer,
        String code,
        String detail,
        @JsonAnyGetter Map<String, Object> extensions) {

    public Violation {
        Objects.requireNonNull(pointer);
        Objects.requireNonNull(code);
        Objects.requireNonNull(detail);
        extensions = Collections.unmodifiableMap(new LinkedHashMap<>(extensions));
    }

    public Violation(String pointer, String code, String detail) {
        this(pointer, code, detail, Map.of());
    }
}
