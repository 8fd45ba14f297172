package io.conveyor.job;

import java.util.regex.Pattern;

/**
 * What clients may know of a kind of job.
 *
 * @param name what a job names in {@code kind}: 1 to 64 characters of a-z, 0-9, '-', starting with a letter
 * @param description one sentence: what goes in and what comes out
 * @param inputSchema JSON Schema (2020-12) of {@code input}, as JSON text
 */
public record JobKind(String name, String description, String inputSchema) {

    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,63}");

    public JobKind {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "The job kind '" + name + "' needs another name: 1 to 64 of a-z, 0-9 and '-', a letter first");
        }
    }
}
