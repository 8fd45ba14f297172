/**
 * The soak: the packaged jar under the load of the ledger, and more of it, for as long as one gives it, at a rate that it
 * takes with ease, so that everything which it holds ought to stay as it is. {@code Sampler} looks every ten seconds at
 * what it holds: threads, descriptors, memory, processes, files, rows. {@code Verdict} tells what grows from what goes up
 * and down; it knows no service, so that made-up series can show that it fails.
 */
@NullMarked
package io.conveyor.soak;

import org.jspecify.annotations.NullMarked;
