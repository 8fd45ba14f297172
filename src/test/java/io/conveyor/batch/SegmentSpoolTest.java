package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.Job;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.PackedSegment;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SegmentSpoolTest {

    private static final BatchRef BATCH = new BatchRef("default", 1, "b");

    private final List<PackedSegment> spilled = new ArrayList<>();
    private int abandoned;

    /** Writes under way that nobody has waited for. */
    private int underWay;

    private final List<Integer> atOnce = new ArrayList<>();

    /** Takes what is spilled and abandoned, and refuses everything else. */
    private final BatchStore store = (BatchStore) Proxy.newProxyInstance(
            BatchStore.class.getClassLoader(), new Class<?>[] {BatchStore.class}, (self, method, arguments) -> {
                return switch (method.getName()) {
                    case "spill" -> {
                        atOnce.add(++underWay);
                        ((List<?>) arguments[1]).forEach(segment -> spilled.add((PackedSegment) segment));
                        yield (BatchStore.Pending) () -> underWay = 0;
                    }
                    case "abandon" -> {
                        atOnce.add(underWay + 1);
                        abandoned++;
                        yield null;
                    }
                    default -> throw new UnsupportedOperationException(method.getName());
                };
            });

    private final SegmentSpool spool = new SegmentSpool(store, BATCH);

    private void add(int jobs, int inputBytes) {
        for (int i = 0; i < jobs; i++) {
            spool.accept(new Job(i, "echo", null, 0, null, new byte[inputBytes]));
        }
    }

    @Test
    void aSmallBatchStaysInMemory() {
        add(1000, 10);
        List<PackedSegment> rest = spool.rest();
        spool.abandon();

        assertThat(rest).extracting(PackedSegment::jobs).containsExactly(256, 256, 256, 232);
        assertThat(spilled).isEmpty();
        assertThat(abandoned).isZero();
    }

    @Test
    void aLargeBatchIsWrittenSaveItsEnd() {
        add(2000, 10_000);
        List<PackedSegment> rest = spool.rest();

        long inMemory =
                rest.stream().mapToLong(segment -> segment.data().length).sum();
        assertThat(inMemory).isLessThanOrEqualTo(2L * PackedSegment.FULL_BYTES);
        List<PackedSegment> all = new ArrayList<>(spilled);
        all.addAll(rest);
        int next = 0;
        for (PackedSegment segment : all) {
            assertThat(segment.firstIndex()).isEqualTo(next);
            next += segment.jobs();
        }
        assertThat(next).isEqualTo(2000);
        assertThat(atOnce).hasSizeGreaterThan(10).containsOnly(1);
        assertThat(underWay).isZero();
    }

    @Test
    void whatWasWrittenIsGivenUpAfterARefusal() {
        add(100, 10_000);

        spool.abandon();

        assertThat(spilled).isNotEmpty();
        assertThat(abandoned).isEqualTo(1);
        assertThat(atOnce).containsOnly(1);
    }
}
