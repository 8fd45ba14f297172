package io.conveyor.store;

import io.conveyor.job.Run;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What is told of an outcome besides its value, packed: one byte that says what differs from the outcome before, then
 * that. A kind or a worker is spelled when it comes for the first time in a block, and is a number afterwards; times are
 * differences. {@link Packer} writes it, {@link Cursor} reads it.
 */
final class OutcomeFacts {

    private static final int OTHER_KIND = 1;
    private static final int OTHER_WORKER = 1 << 1;
    private static final int CUSTOM_ID = 1 << 2;
    /** The batch was not accepted at the moment that start and wait of the outcome before tell. */
    private static final int OTHER_ORIGIN = 1 << 3;
    /** Attempts are not 1. */
    private static final int ATTEMPTS = 1 << 4;
    /** The value is that of the outcome before, and not written again. */
    private static final int SAME_VALUE = 1 << 5;

    /** Bytes of an outcome without a custom id, as a rule: flags, start, end, duration, and a number now and then. */
    private static final int USUAL_BYTES = 6;

    private OutcomeFacts() {}

    /** Packs the facts of outcomes, one after the other. */
    static final class Packer {

        private final PackedOutput packed;
        private final Names names = new Names();
        private @Nullable String kind;
        private @Nullable String worker;
        private long startedAt;
        private long origin;

        Packer(int outcomes) {
            packed = new PackedOutput(64 + outcomes * USUAL_BYTES);
        }

        void add(OutcomeEntry outcome, boolean sameValue) {
            Run run = outcome.run();
            String customId = outcome.customId();
            long itsOrigin = run.startedAt() - run.waitMillis();
            int flags = (outcome.kind().equals(kind) ? 0 : OTHER_KIND)
                    | (run.worker().equals(worker) ? 0 : OTHER_WORKER)
                    | (customId == null ? 0 : CUSTOM_ID)
                    | (itsOrigin == origin ? 0 : OTHER_ORIGIN)
                    | (run.attempts() == 1 ? 0 : ATTEMPTS)
                    | (sameValue ? SAME_VALUE : 0);
            packed.writeByte(flags);
            if ((flags & OTHER_KIND) != 0) {
                kind = outcome.kind();
                names.write(kind, packed);
            }
            if ((flags & OTHER_WORKER) != 0) {
                worker = run.worker();
                names.write(worker, packed);
            }
            if (customId != null) {
                packed.write(customId);
            }
            if ((flags & OTHER_ORIGIN) != 0) {
                packed.writeSigned(itsOrigin - origin);
                origin = itsOrigin;
            }
            if ((flags & ATTEMPTS) != 0) {
                packed.writeNumber(run.attempts());
            }
            packed.writeSigned(run.startedAt() - startedAt);
            startedAt = run.startedAt();
            packed.writeSigned(run.endedAt() - startedAt);
            packed.writeNumber(TimeUnit.NANOSECONDS.toMillis(run.durationNanos()));
        }

        byte[] take() {
            return packed.take();
        }
    }

    /** Names seen so far: the n-th is written as n, a new one as 0 and its text. */
    private static final class Names {

        private final Map<String, Integer> numbers = new HashMap<>();

        void write(String name, PackedOutput packed) {
            Integer number = numbers.putIfAbsent(name, numbers.size() + 1);
            if (number != null) {
                packed.writeNumber(number);
            } else {
                packed.writeNumber(0);
                packed.write(name);
            }
        }
    }

    /** Reads the facts of outcomes, one after the other; what it tells is of the one that {@link #next} went to last. */
    static final class Cursor {

        private final PackedInput packed;
        private final List<String> names = new ArrayList<>();
        private String kind = "";
        private String worker = "";
        private @Nullable String customId;
        private int attempts;
        private long origin;
        private long startedAt;
        private long endedAt;
        private long durationMillis;
        private boolean asBefore;
        private boolean sameValue;

        Cursor(byte[] facts) {
            packed = new PackedInput(facts);
        }

        void next() {
            int flags = packed.readByte();
            if ((flags & OTHER_KIND) != 0) {
                kind = name();
            }
            if ((flags & OTHER_WORKER) != 0) {
                worker = name();
            }
            customId = (flags & CUSTOM_ID) != 0 ? packed.readText() : null;
            if ((flags & OTHER_ORIGIN) != 0) {
                origin += packed.readSigned();
            }
            sameValue = (flags & SAME_VALUE) != 0;
            int made = (flags & ATTEMPTS) != 0 ? (int) packed.readNumber() : 1;
            long sinceBefore = packed.readSigned();
            startedAt += sinceBefore;
            long ended = startedAt + packed.readSigned();
            long duration = packed.readNumber();
            asBefore = sinceBefore == 0
                    && ended == endedAt
                    && duration == durationMillis
                    && made == attempts
                    && (flags & (OTHER_WORKER | OTHER_ORIGIN)) == 0;
            attempts = made;
            endedAt = ended;
            durationMillis = duration;
        }

        /** Whether worker, attempts and all times are those of the outcome before: many tiny jobs run in one millisecond. */
        boolean isAsBefore() {
            return asBefore;
        }

        private String name() {
            int number = (int) packed.readNumber();
            if (number > 0) {
                return names.get(number - 1);
            }
            String name = packed.readText();
            names.add(name);
            return name;
        }

        /** Whether the value is that of the outcome before. */
        boolean hasSameValue() {
            return sameValue;
        }

        String kind() {
            return kind;
        }

        @Nullable
        String customId() {
            return customId;
        }

        String worker() {
            return worker;
        }

        int attempts() {
            return attempts;
        }

        long waitMillis() {
            return startedAt - origin;
        }

        long durationMillis() {
            return durationMillis;
        }

        long startedAt() {
            return startedAt;
        }

        long endedAt() {
            return endedAt;
        }
    }
}
