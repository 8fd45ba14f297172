package io.conveyor.ledger;

import io.conveyor.ledger.Books.Start;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Every start and end of a job that the target saw: of calls as they come, of programs in a file into which they write a
 * line each, also when nobody is left who started them. Thread-safe.
 */
final class TargetBook {

    /** A call on its way; noted when it began. */
    static final class Call {

        private final String key;
        private final int index;
        private final long startedAt = Moment.now();
        /** Written by the thread of the call, read by all. */
        private volatile long endedAt = Long.MAX_VALUE;

        private Call(String key, int index) {
            this.key = key;
            this.index = index;
        }

        /** From now on the job may end well. */
        void ended() {
            endedAt = Moment.now();
        }
    }

    private final Queue<Call> calls = new ConcurrentLinkedQueue<>();
    private final ConcurrentMap<String, AtomicInteger> counts = new ConcurrentHashMap<>();
    private final Journal journal;
    private final Path programs;

    /** @param programs lines of {@code B KEY INDEX SECONDS.MICROS} and {@code E …} */
    TargetBook(Journal journal, Path programs) throws IOException {
        this.journal = journal;
        this.programs = Files.createFile(programs);
    }

    Call begin(String key, int index) {
        Call call = new Call(key, index);
        calls.add(call);
        counts.computeIfAbsent(key + " " + index, job -> new AtomicInteger()).incrementAndGet();
        journal.write("begin " + key + " " + index);
        return call;
    }

    /** How often this job has been called so far. */
    int count(String key, int index) {
        return counts.get(key + " " + index).get();
    }

    List<Start> starts() {
        List<Start> starts = new ArrayList<>();
        for (Call call : calls) {
            starts.add(new Start(call.key, call.index, call.startedAt, call.endedAt));
        }
        starts.addAll(ofPrograms());
        return starts;
    }

    /** A program that was killed has no end; one that is started again while the former goes on ends in turn. */
    private List<Start> ofPrograms() {
        Map<String, Deque<Long>> open = new HashMap<>();
        List<Start> starts = new ArrayList<>();
        for (String line : lines()) {
            String[] words = line.split(" ", -1);
            if (words.length != 4) {
                continue; // is being written
            }
            String job = words[1] + " " + words[2];
            long at = Long.parseLong(words[3].replaceAll("[.,]", ""));
            Deque<Long> begun = open.computeIfAbsent(job, each -> new ArrayDeque<>());
            if (words[0].equals("B")) {
                begun.add(at);
            } else if (!begun.isEmpty()) {
                starts.add(new Start(words[1], Integer.parseInt(words[2]), begun.remove(), at));
            }
        }
        open.forEach((job, begun) -> {
            String[] words = job.split(" ", -1);
            begun.forEach(at -> starts.add(new Start(words[0], Integer.parseInt(words[1]), at, Long.MAX_VALUE)));
        });
        return starts;
    }

    private List<String> lines() {
        try {
            return Files.readAllLines(programs);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
