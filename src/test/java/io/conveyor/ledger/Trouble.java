package io.conveyor.ledger;

import java.util.List;

/** Lines of the service's log that follow from what is done to it, so that nobody need look into them. */
final class Trouble {

    private static final List<String> EXPECTED = List.of();

    private Trouble() {}

    static boolean expected(String line) {
        return EXPECTED.stream().anyMatch(line::contains);
    }
}
