package io.conveyor.store;

import io.conveyor.job.BatchState;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * The numbers of the store's status, and those who hear of what changes them. Thread-safe.
 *
 * <p>Threads and state: the numbers are read from the database at the start, before the writer begins, and moved by the
 * writer thread alone, after each commit; so asking costs no query, and they never drift.
 */
final class StoreFigures implements GroupCommitter.Observer {

    private final List<StoreListener> listeners = new CopyOnWriteArrayList<>();
    private final Map<BatchState, AtomicLong> batches = new EnumMap<>(BatchState.class);
    private final AtomicLong backlog = new AtomicLong();
    private final AtomicLong late = new AtomicLong();
    private final AtomicLong retrying = new AtomicLong();

    StoreFigures() {
        for (BatchState state : BatchState.values()) {
            batches.put(state, new AtomicLong());
        }
    }

    /** Reads where things stand; before the writer begins. */
    void read(BatchReader reader) {
        reader.countBatches().forEach((state, n) -> counter(state).set(n));
        backlog.set(reader.countOpenJobs());
        retrying.set(reader.countAttempts());
    }

    void listen(StoreListener listener) {
        listeners.add(new GuardedListener(listener));
    }

    /** Tells everybody, on the calling thread. */
    void tell(Consumer<StoreListener> event) {
        listeners.forEach(event);
    }

    /** Batches have come, or gone if there are less than none. Writer thread only, as all that follow. */
    void count(BatchState state, int more) {
        counter(state).addAndGet(more);
    }

    /** Jobs have been accepted. */
    void accepted(int jobs) {
        backlog.addAndGet(jobs);
    }

    @Override
    public void committed(OutcomeWriter.Written outcomes, int writes, long nanos) {
        backlog.addAndGet(-outcomes.keptOutcomes());
        late.addAndGet(outcomes.lateOutcomes());
        retrying.addAndGet(outcomes.retrying());
        outcomes.moves().forEach(move -> move.count(this));
        outcomes.followers().forEach(batch -> {
            accepted(batch.total());
            count(BatchState.RUNNING, 1);
        });
        tell(listener -> {
            outcomes.tell(listener);
            listener.committed(writes, nanos);
        });
    }

    @Override
    public void failed(StoreException failure, boolean forGood) {
        tell(listener -> {
            listener.commitFailed(failure);
            if (forGood) {
                listener.broken(failure);
            }
        });
    }

    @Override
    public void refused(BatchRef batch, List<JobEntry> entries) {
        List<OutcomeEntry> outcomes = those(entries, OutcomeEntry.class);
        List<AttemptEntry> attempts = those(entries, AttemptEntry.class);
        late.addAndGet(outcomes.size());
        tell(listener -> {
            listener.recorded(batch, outcomes, false);
            if (!attempts.isEmpty()) {
                listener.retrying(batch, attempts, false);
            }
        });
    }

    private static <T extends JobEntry> List<T> those(List<JobEntry> entries, Class<T> type) {
        return entries.stream().filter(type::isInstance).map(type::cast).toList();
    }

    /** Accepted jobs without an outcome. */
    long backlog() {
        return backlog.get();
    }

    /** Outcomes that came too late to count. */
    long late() {
        return late.get();
    }

    /** Jobs that have failed an attempt and have no outcome yet. */
    long retrying() {
        return retrying.get();
    }

    Map<BatchState, Long> batches() {
        Map<BatchState, Long> counts = new EnumMap<>(BatchState.class);
        batches.forEach((state, n) -> counts.put(state, n.get()));
        return counts;
    }

    private AtomicLong counter(BatchState state) {
        return batches.computeIfAbsent(state, s -> new AtomicLong());
    }
}
