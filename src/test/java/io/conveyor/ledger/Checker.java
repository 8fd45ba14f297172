package io.conveyor.ledger;

import java.util.List;

/** Holds the books against each other, rule by rule. Has no state. */
final class Checker {

    /** A group of rules about one sort of promise; each complaint is named after the rule that is broken. */
    interface Rule {
        void check(Books books, Complaints complaints);
    }

    /** Hold at any moment of a run. */
    private static final List<Rule> ALWAYS =
            List.of(new ReadingRules(), new StartRules(), new CrewRules(), new ProbeRules(), new LifeRules());

    /** Hold when all has come to rest. */
    private static final List<Rule> AT_THE_END = List.of(new StoreRules(), new ResultRules(), new FollowerRules());

    private Checker() {}

    static Complaints check(Books books) {
        Complaints complaints = new Complaints();
        ALWAYS.forEach(rule -> rule.check(books, complaints));
        if (books.complete()) {
            AT_THE_END.forEach(rule -> rule.check(books, complaints));
        }
        return complaints;
    }
}
