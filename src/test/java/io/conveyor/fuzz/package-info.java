/**
 * Hostile input: what the targets of the fuzzer share, their seeds, and the run of {@code mvn -Pfuzz}. The targets stand
 * beside what they attack.
 */
@NullMarked
package io.conveyor.fuzz;

import org.jspecify.annotations.NullMarked;
