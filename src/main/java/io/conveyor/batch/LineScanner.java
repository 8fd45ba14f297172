package io.conveyor.batch;

import io.conveyor.job.Job;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the common form of a job on a line in one pass over its bytes, several times faster than a general parser. It
 * accepts only what it understands to the last byte (RFC 8259), and gives up on everything else: what is rare, what is
 * wrong, and what needs an explanation is for {@link LineParser} to read again. Not thread-safe.
 */
final class LineScanner {

    private static final int KIND = 1;
    private static final int INPUT = 1 << 1;
    private static final int CUSTOM_ID = 1 << 2;
    private static final int TIMEOUT = 1 << 3;
    private static final int METADATA = 1 << 4;
    private static final int MAX_ATTEMPTS = 1 << 5;

    private static final byte[] KIND_NAME = ascii("kind");
    private static final byte[] INPUT_NAME = ascii("input");
    private static final byte[] CUSTOM_ID_NAME = ascii("custom_id");
    private static final byte[] TIMEOUT_NAME = ascii("timeout_ms");
    private static final byte[] MAX_ATTEMPTS_NAME = ascii("max_attempts");
    private static final byte[] METADATA_NAME = ascii("metadata");
    private static final byte[] TRUE = ascii("true");
    private static final byte[] FALSE = ascii("false");
    private static final byte[] NULL = ascii("null");

    /** Arrays and objects inside each other at the most, the job itself among them. */
    private static final int MAX_DEPTH = JsonBody.MAX_DEPTH;

    /** Digits of a timeout that is surely in range. */
    private static final int TIMEOUT_DIGITS = 7;

    /** Digits of a number of attempts that is surely in range. */
    private static final int ATTEMPTS_DIGITS = 2;

    private final List<String> kinds;
    private final byte[][] kindNames;

    // Mutable state: the line, the place in it, and what was found so far
    private byte[] bytes = new byte[0];
    private int at;
    private int end;
    private int seen;
    private int lastKind;
    private @Nullable String customId;
    private long timeoutMillis;
    private int maxAttempts;
    private int natural;
    private byte @Nullable [] input;
    private byte @Nullable [] metadata;
    /** Of the arrays and objects that are open: whether each is an object; the innermost is the lowest bit. */
    private long objects;

    LineScanner(Collection<String> kinds) {
        this.kinds = List.copyOf(kinds);
        kindNames = this.kinds.stream().map(LineScanner::ascii).toArray(byte[][]::new);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** The job that stands in these bytes, which are UTF-8, or null if somebody else must read them. */
    @Nullable
    Job scan(byte[] line, int from, int to, int index) {
        bytes = line;
        at = from;
        end = to;
        seen = 0;
        customId = null;
        timeoutMillis = 0;
        maxAttempts = 0;
        input = null;
        metadata = null;
        if (!job() || (seen & KIND) == 0) {
            return null;
        }
        return new Job(index, kinds.get(lastKind), customId, timeoutMillis, maxAttempts, metadata, input, null);
    }

    private boolean job() {
        space();
        if (!is('{')) {
            return false;
        }
        do {
            at++;
            space();
            if (!field()) {
                return false;
            }
            space();
        } while (is(','));
        if (!is('}')) {
            return false;
        }
        at++;
        space();
        return at == end;
    }

    private boolean field() {
        int name = name();
        if (name == 0 || (seen & name) != 0) {
            return false;
        }
        seen |= name;
        space();
        if (!is(':')) {
            return false;
        }
        at++;
        space();
        return switch (name) {
            case KIND -> kind();
            case CUSTOM_ID -> customId();
            case TIMEOUT -> timeout();
            case MAX_ATTEMPTS -> maxAttempts();
            case INPUT -> (input = raw()) != null;
            default -> (metadata = raw()) != null;
        };
    }

    private int name() {
        if (takeQuoted(INPUT_NAME)) {
            return INPUT;
        }
        if (takeQuoted(KIND_NAME)) {
            return KIND;
        }
        if (takeQuoted(CUSTOM_ID_NAME)) {
            return CUSTOM_ID;
        }
        if (takeQuoted(TIMEOUT_NAME)) {
            return TIMEOUT;
        }
        if (takeQuoted(METADATA_NAME)) {
            return METADATA;
        }
        return takeQuoted(MAX_ATTEMPTS_NAME) ? MAX_ATTEMPTS : 0;
    }

    /** Passes over these characters in quotation marks, if they stand here. */
    private boolean takeQuoted(byte[] text) {
        int close = at + 1 + text.length;
        if (close >= end || bytes[at] != '"' || bytes[close] != '"') {
            return false;
        }
        if (!Arrays.equals(bytes, at + 1, close, text, 0, text.length)) {
            return false;
        }
        at = close + 1;
        return true;
    }

    private boolean kind() {
        for (int tried = 0; tried < kindNames.length; tried++) {
            if (takeQuoted(kindNames[lastKind])) {
                return true;
            }
            lastKind = lastKind + 1 == kindNames.length ? 0 : lastKind + 1;
        }
        return false;
    }

    private boolean customId() {
        int open = at;
        if (!is('"')) {
            return false;
        }
        int close = open + 1;
        while (close < end && bytes[close] >= ' ' && bytes[close] != '"' && bytes[close] != '\\') {
            close++; // bytes of other characters than ASCII are negative, and end it too
        }
        int length = close - open - 1;
        if (close == end || bytes[close] != '"' || length < 1 || length > JobReader.MAX_CUSTOM_ID) {
            return false;
        }
        customId = new String(bytes, open + 1, length, StandardCharsets.ISO_8859_1);
        at = close + 1;
        return true;
    }

    private boolean timeout() {
        boolean good = natural(TIMEOUT_DIGITS);
        timeoutMillis = natural;
        return good;
    }

    private boolean maxAttempts() {
        boolean good = natural(ATTEMPTS_DIGITS);
        maxAttempts = natural;
        return good;
    }

    /** Reads a number above 0 of so many digits at the most. */
    private boolean natural(int maxDigits) {
        int first = at;
        int value = 0;
        while (at < end && isDigit(bytes[at]) && at - first <= maxDigits) {
            value = value * 10 + bytes[at] - '0';
            at++;
        }
        natural = value;
        boolean leadingZero = at > first && bytes[first] == '0';
        return at > first && at - first <= maxDigits && !leadingZero && (is(',') || is('}') || is(' '));
    }

    private byte @Nullable [] raw() {
        int first = at;
        return value() ? Arrays.copyOfRange(bytes, first, at) : null;
    }

    /** Passes over one JSON value, of whatever depth. */
    private boolean value() {
        int depth = 1;
        while (true) {
            if (!is('{') && !is('[')) {
                if (!scalar()) {
                    return false;
                }
            } else if (++depth > MAX_DEPTH) {
                return false;
            } else {
                objects = objects << 1 | (is('{') ? 1 : 0);
                at++;
                space();
                if (!is(closing())) {
                    if (!member()) {
                        return false;
                    }
                    continue;
                }
            }
            // A value has ended, or an empty array or object stands at its close: go up as far as possible.
            while (true) {
                if (depth == 1) {
                    return true;
                }
                space();
                if (is(closing())) {
                    at++;
                    objects >>>= 1;
                    depth--;
                    continue;
                }
                if (!is(',')) {
                    return false;
                }
                at++;
                space();
                if (!member()) {
                    return false;
                }
                break;
            }
        }
    }

    private char closing() {
        return (objects & 1) != 0 ? '}' : ']';
    }

    /** In an object passes over the name and the colon, to the value; in an array there is nothing to pass over. */
    private boolean member() {
        if ((objects & 1) == 0) {
            return true;
        }
        if (!is('"') || !string()) {
            return false;
        }
        space();
        if (!is(':')) {
            return false;
        }
        at++;
        space();
        return true;
    }

    private boolean scalar() {
        if (at == end) {
            return false;
        }
        return switch (bytes[at]) {
            case '"' -> string();
            case 't' -> word(TRUE);
            case 'f' -> word(FALSE);
            case 'n' -> word(NULL);
            default -> number();
        };
    }

    private boolean word(byte[] word) {
        int after = at + word.length;
        if (after > end || !Arrays.equals(bytes, at, after, word, 0, word.length)) {
            return false;
        }
        at = after;
        return true;
    }

    private boolean string() {
        int first = at;
        byte[] line = bytes;
        int i = at + 1;
        while (i < end) {
            byte b = line[i];
            if (b == '"') {
                at = i + 1;
                return i - first <= JsonBody.MAX_TOKEN;
            }
            if (b == '\\') {
                i = afterEscape(i + 1);
                if (i < 0) {
                    return false;
                }
            } else if (b >= 0 && b < ' ') {
                return false;
            } else {
                i++;
            }
        }
        return false;
    }

    /** Where it goes on after the escape whose letter stands at {@code i}, or -1. */
    private int afterEscape(int i) {
        if (i >= end) {
            return -1;
        }
        return switch (bytes[i]) {
            case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> i + 1;
            case 'u' -> {
                boolean hex = i + 4 < end;
                for (int digit = i + 1; hex && digit <= i + 4; digit++) {
                    hex = Character.digit(bytes[digit], 16) >= 0;
                }
                yield hex ? i + 5 : -1;
            }
            default -> -1;
        };
    }

    private boolean number() {
        int first = at;
        if (is('-')) {
            at++;
        }
        boolean good = is('0') ? skipOne() : digits();
        if (good && is('.')) {
            at++;
            good = digits();
        }
        if (good && (is('e') || is('E'))) {
            at++;
            if (is('+') || is('-')) {
                at++;
            }
            good = digits();
        }
        return good && at - first <= JsonBody.MAX_TOKEN;
    }

    private boolean skipOne() {
        at++;
        return true;
    }

    private boolean digits() {
        int first = at;
        while (at < end && isDigit(bytes[at])) {
            at++;
        }
        return at > first;
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }

    private boolean is(char c) {
        return at < end && bytes[at] == c;
    }

    private void space() {
        while (at < end && (bytes[at] == ' ' || bytes[at] == '\t')) {
            at++;
        }
    }
}
