package io.conveyor.batch;

import java.util.Collection;
import java.util.Optional;

/** Guesses what somebody meant who mistyped a name. Keeps nothing. */
public final class Suggestion {

    /** Slips of the finger that are still the same word: a swap of neighbours is one. */
    private static final int MAX_EDITS = 2;

    /** Characters of a mistyped word that is worth the comparison. */
    private static final int MAX_LENGTH = 64;

    private Suggestion() {}

    /** A question that names the candidate nearest to the word, with a space before it; empty if none is near. */
    static String didYouMean(String word, Collection<String> candidates) {
        return nearest(word, candidates)
                .map(best -> " Did you mean '" + best + "'?")
                .orElse("");
    }

    /** The candidate that is nearest to the word, if one is near. */
    public static Optional<String> nearest(String word, Collection<String> candidates) {
        String best = "";
        int bestEdits = MAX_EDITS + 1;
        for (String candidate : candidates) {
            int edits = word.length() > MAX_LENGTH ? bestEdits : edits(word, candidate);
            // Two edits make any short word of any other.
            if (edits < bestEdits && edits * 2 <= candidate.length()) {
                best = candidate;
                bestEdits = edits;
            }
        }
        return best.isEmpty() ? Optional.empty() : Optional.of(best);
    }

    /** Insertions, deletions, replacements and swaps of neighbours between the two (optimal string alignment). */
    private static int edits(String a, String b) {
        int[][] d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    d[i][j] = i + j;
                    continue;
                }
                int replaced = d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                d[i][j] = Math.min(replaced, Math.min(d[i - 1][j], d[i][j - 1]) + 1);
                boolean swapped =
                        i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
                if (swapped) {
                    d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
                }
            }
        }
        return d[a.length()][b.length()];
    }
}
