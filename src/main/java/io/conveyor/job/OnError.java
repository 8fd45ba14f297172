package io.conveyor.job;

import java.util.Locale;
import java.util.Map;

/**
 * What failed jobs of a batch mean for its others: nothing, or, when more have failed than is tolerated, that those which
 * have not ended are cancelled. Immutable.
 *
 * @param rule how much is tolerated
 * @param limit failed jobs, or per cent of all jobs, that are tolerated; 0 where the rule has none
 */
public record OnError(Rule rule, int limit) {

    /** The others are not concerned. */
    public static final OnError CONTINUE = new OnError(Rule.CONTINUE, 0);

    /** The first failure cancels the rest. */
    public static final OnError CANCEL_REST = new OnError(Rule.CANCEL_REST, 0);

    /** Failed jobs that can be tolerated at the most: as good as all of any batch. */
    public static final int MAX_TOLERATED = 1_000_000_000;

    /** The kinds of rules. */
    public enum Rule {
        CONTINUE,
        CANCEL_REST,
        TOLERATE,
        TOLERATE_PERCENT;

        private final String wireName = name().toLowerCase(Locale.ROOT);

        /** The name in the HTTP contract and in the store: lower case. */
        public String wireName() {
            return wireName;
        }

        /** The largest limit that goes with it; 0 where there is none. */
        public int maxLimit() {
            return switch (this) {
                case CONTINUE, CANCEL_REST -> 0;
                case TOLERATE -> MAX_TOLERATED;
                case TOLERATE_PERCENT -> 100;
            };
        }
    }

    public OnError {
        if (limit < 0 || limit > rule.maxLimit()) {
            throw new IllegalArgumentException(rule.wireName() + " goes from 0 to " + rule.maxLimit());
        }
    }

    /**
     * Whether the jobs that have failed so far are more than is tolerated.
     *
     * @param total jobs of the batch so far
     * @param complete whether there will be no more of them: before that nobody knows how many per cent have failed
     */
    public boolean isExceededBy(int failed, int total, boolean complete) {
        return switch (rule) {
            case CONTINUE -> false;
            case CANCEL_REST -> failed > 0;
            case TOLERATE -> failed > limit;
            case TOLERATE_PERCENT -> complete && 100L * failed > (long) limit * total;
        };
    }

    /** One word that stands for it in the store: the rule, and after a colon the limit. */
    public String text() {
        return rule.maxLimit() == 0 ? rule.wireName() : rule.wireName() + ":" + limit;
    }

    /**
     * The rule of that {@link #text}.
     *
     * @throws IllegalArgumentException if no rule has it
     */
    public static OnError ofText(String text) {
        if (text.equals(CONTINUE.text())) {
            return CONTINUE; // nearly all
        }
        int colon = text.indexOf(':');
        Rule rule = Rule.valueOf((colon < 0 ? text : text.substring(0, colon)).toUpperCase(Locale.ROOT));
        return new OnError(rule, colon < 0 ? 0 : Integer.parseInt(text.substring(colon + 1)));
    }

    /** How the HTTP contract says it: a word, or an object with the limit as its one field. */
    public Object wireForm() {
        return rule.maxLimit() == 0 ? rule.wireName() : Map.of(rule.wireName(), limit);
    }
}
