package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.batch;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.seal;
import static io.conveyor.store.Batches.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.BatchState;
import io.conveyor.job.Job;
import io.conveyor.store.Batches.Told;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A started store without batches, one for each test of a contract, and ways to look at what is in it. */
abstract class StoreContract<H extends StoreHarness> {

    private static final Pattern LINE = Pattern.compile("\\{\"index\":(\\d+),\"seq\":(\\d+)(,.*})\n");

    final H harness;

    BatchStore store;
    Told told = new Told();

    @SuppressWarnings("NullAway.Init")
    StoreContract(H harness) {
        this.harness = harness;
    }

    @BeforeEach
    void open() {
        store = harness.openEmpty();
        store.listen(told);
    }

    @AfterEach
    void close() {
        harness.close();
    }

    StoredBatch found(String id) {
        return store.find(TENANT, id).orElseThrow();
    }

    List<String> list(@Nullable BatchState state, @Nullable String name) {
        return store.list(TENANT, new BatchFilter(state, name, Long.MAX_VALUE, 100)).stream()
                .map(batch -> batch.ref().id())
                .toList();
    }

    /** Seals a batch and records success for all its jobs. */
    NewBatch end(String id, int total) {
        NewBatch batch = seal(store, id, total, 256);
        for (int i = 0; i < total; i += 256) {
            SegmentRef ref = SegmentRef.fresh(batch.ref(), i);
            for (int index = i; index < Math.min(total, i + 256); index++) {
                store.record(outcome(ref, index));
            }
        }
        while (!take(told.ended, 1).contains(batch.ref())) {
            // another one's
        }
        return batch;
    }

    List<OpenSegment> openSegments(BatchRef batch) {
        List<OpenSegment> segments = new ArrayList<>();
        OpenSegment open = store.openSegment(batch, 0);
        while (open != null) {
            segments.add(open);
            open = store.openSegment(batch, open.segment().endIndex());
        }
        return segments;
    }

    List<Integer> openJobs(BatchRef batch) {
        List<Integer> jobs = new ArrayList<>();
        for (OpenSegment open : openSegments(batch)) {
            SegmentCursor cursor = new SegmentCursor(open.segment());
            while (cursor.hasNext()) {
                Job job = cursor.next();
                if (!open.recorded().get(job.index() - open.segment().firstIndex())) {
                    jobs.add(job.index());
                }
            }
        }
        return jobs;
    }

    List<String> resultLines(BatchRef batch) {
        List<String> lines = new ArrayList<>();
        ResultLines results = store.results(batch, 0);
        while (results != null) {
            for (int n = 0; n < results.size(); n++) {
                ByteArrayOutputStream line = new ByteArrayOutputStream();
                results.line(n, line::write);
                assertThat(results.length(n)).isEqualTo(line.size());
                lines.add(line.toString(StandardCharsets.UTF_8));
            }
            results = store.results(batch, results.nextIndex());
        }
        return lines;
    }

    /** The results are these outcomes, in input order, byte for byte, numbered without gaps. */
    void assertResults(BatchRef batch, List<OutcomeEntry> outcomes) {
        Map<Integer, String> expected = new TreeMap<>();
        outcomes.forEach(o -> expected.put(o.index(), Batches.tail(o)));
        List<Integer> indexes = new ArrayList<>();
        Set<Integer> seqs = new HashSet<>();
        for (String line : resultLines(batch)) {
            Matcher parts = LINE.matcher(line);
            assertThat(parts.matches())
                    .as(line.substring(0, Math.min(100, line.length())))
                    .isTrue();
            int index = Integer.parseInt(parts.group(1));
            indexes.add(index);
            seqs.add(Integer.parseInt(parts.group(2)));
            assertThat(parts.group(3).equals(expected.get(index)))
                    .as("line %s", index)
                    .isTrue();
        }
        assertThat(indexes).containsExactlyElementsOf(expected.keySet());
        assertThat(seqs).hasSize(expected.size());
        assertThat(seqs.stream().mapToInt(s -> s).max().orElse(0)).isEqualTo(expected.size());
    }

    static <T> List<T> inParallel(int threads, ThrowingFunction<T> part) throws Exception {
        ExecutorService crew = Executors.newFixedThreadPool(threads);
        try {
            List<Callable<T>> parts = new ArrayList<>();
            for (int n = 0; n < threads; n++) {
                int number = n;
                parts.add(() -> part.apply(number));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> future : crew.invokeAll(parts)) {
                results.add(future.get());
            }
            return results;
        } finally {
            crew.shutdownNow();
        }
    }

    interface ThrowingFunction<T> {
        T apply(int n) throws Exception;
    }
}
