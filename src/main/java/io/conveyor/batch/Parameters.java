package io.conveyor.batch;

import io.conveyor.job.BatchState;
import io.conveyor.job.JobState;
import io.conveyor.web.ApiException;
import io.conveyor.web.Texts;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads the parameters that the controllers share, and says what would be right where they are wrong. Keeps nothing. */
final class Parameters {

    private static final List<String> BATCH_STATES =
            Arrays.stream(BatchState.values()).map(BatchState::wireName).toList();

    /** As in JSON: what is read as decimal here is octal elsewhere, and other digits than ours are a mistake. */
    private static final Pattern PLAIN_NUMBER = Pattern.compile("-?(0|[1-9][0-9]*)");

    private Parameters() {}

    /** An integer in a range, or the other value if there is none. */
    static int integer(String name, @Nullable String value, int min, int max, int absent) {
        return (int) number(name, value, min, max, absent);
    }

    /** The same where it may be larger. */
    static long number(String name, @Nullable String value, long min, long max, long absent) {
        if (value == null) {
            return absent;
        }
        if (PLAIN_NUMBER.matcher(value).matches()) {
            try {
                long number = Long.parseLong(value);
                if (number >= min && number <= max) {
                    return number;
                }
            } catch (NumberFormatException e) {
                // The answer is the same: a number out of range.
            }
        }
        String range = max == Integer.MAX_VALUE ? min + " or more" : "from " + min + " to " + max;
        throw ApiException.invalidParameter(
                name,
                "Parameter '" + name + "' is '" + Texts.excerpt(value) + "'; it is a plain number, " + range + ".");
    }

    /** An id that a client chose. */
    static String chosenId(String id) {
        if (!BatchIds.CHOSEN.matcher(id).matches()) {
            throw ApiException.invalidParameter(
                    "id",
                    "'" + Texts.excerpt(id)
                            + "' cannot be an id: it has 1 to 63 of A-Z a-z 0-9 . _ -, a letter or digit first.");
        }
        return id;
    }

    /** The state of a batch, or null if none is asked for. */
    static @Nullable BatchState batchState(@Nullable String value) {
        if (value == null) {
            return null;
        }
        return BatchState.ofWireName(value)
                .orElseThrow(() -> ApiException.invalidParameter(
                        "state",
                        "There is no state '" + Texts.excerpt(value) + "' of a batch; there are "
                                + String.join(", ", BATCH_STATES) + ".",
                        BATCH_STATES));
    }

    /** Yes or no, or the other value if nothing is said. */
    static boolean flag(String name, @Nullable String value, boolean absent) {
        if (value == null) {
            return absent;
        }
        return switch (value) {
            case "true" -> true;
            case "false" -> false;
            default ->
                throw ApiException.invalidParameter(
                        name,
                        "Parameter '" + name + "' is '" + Texts.excerpt(value) + "'; it is true or false.",
                        List.of("true", "false"));
        };
    }

    /** The order of results, or the other if none is asked for. */
    static ResultQuery.Order order(@Nullable String value, ResultQuery.Order absent) {
        if (value == null) {
            return absent;
        }
        return switch (value) {
            case "input" -> ResultQuery.Order.INPUT;
            case "completion" -> ResultQuery.Order.COMPLETION;
            default ->
                throw ApiException.invalidParameter(
                        "order",
                        "There is no order '" + Texts.excerpt(value) + "'; there are input and completion.",
                        List.of("input", "completion"));
        };
    }

    /** States of results, separated by commas; all if none are asked for. */
    static Set<JobState> resultStates(@Nullable String value) {
        return states(value, ResultQuery.TERMINAL, "of a result; there are ");
    }

    /** States of jobs to retry, in the same form. */
    static Set<JobState> statesToRetry(@Nullable String value) {
        return states(value, Retry.Wish.ALL, "in which a job is retried; there are ");
    }

    private static Set<JobState> states(@Nullable String value, Set<JobState> allowed, String whose) {
        if (value == null) {
            return allowed;
        }
        List<String> names = allowed.stream().map(JobState::wireName).toList();
        EnumSet<JobState> states = EnumSet.noneOf(JobState.class);
        for (String name : value.split(",", -1)) {
            states.add(allowed.stream()
                    .filter(state -> state.wireName().equals(name))
                    .findFirst()
                    .orElseThrow(() -> ApiException.invalidParameter(
                            "state",
                            "There is no state '" + Texts.excerpt(name) + "' " + whose + String.join(", ", names)
                                    + ", separated by commas.",
                            names)));
        }
        return states;
    }

    /** A place in a list, in a form that clients do not read. */
    static String cursor(long place) {
        return Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(ByteBuffer.allocate(Long.BYTES).putLong(place).array());
    }

    /** The place that a cursor stands for, at least 0, or the other value if there is none. */
    static long place(@Nullable String cursor, long absent) {
        if (cursor == null) {
            return absent;
        }
        try {
            byte[] bytes = Base64.getUrlDecoder().decode(cursor);
            long place = bytes.length == Long.BYTES ? ByteBuffer.wrap(bytes).getLong() : -1;
            if (place >= 0) {
                return place;
            }
        } catch (IllegalArgumentException e) {
            // The answer is the same: no cursor of ours.
        }
        throw ApiException.invalidParameter(
                "cursor", "This is no cursor; take it unchanged from next_cursor of the page before.");
    }
}
