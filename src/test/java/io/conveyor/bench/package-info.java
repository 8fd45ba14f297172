/**
 * The benchmark: the packaged service as a process of its own, under a load from here, beside the limits of the machine
 * measured in the same run. {@code mvn -Pbench} runs {@link io.conveyor.bench.ServiceBench}; no test does.
 */
@NullMarked
package io.conveyor.bench;

import org.jspecify.annotations.NullMarked;
