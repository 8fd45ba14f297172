package io.conveyor.ledger;

import java.io.IOException;
import java.util.Optional;

/** One thing that goes wrong. When it has struck, a process is up again, and nothing of the fault is left. */
interface Fault {

    String name();

    /** What is not there on this machine and is needed; then the fault is skipped. */
    default Optional<String> missing() {
        return Optional.empty();
    }

    void strike(Scene scene) throws IOException, InterruptedException;
}
