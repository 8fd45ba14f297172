package io.conveyor.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.BatchRules;
import io.conveyor.job.Job;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

@SuppressWarnings("NullAway") // JDK 17 does not show it that the arrays of a job may be null
class SegmentPackingTest {

    @RepeatedTest(20)
    void jobsComeBackAsTheyWerePacked() {
        SplittableRandom random = Batches.seeded();
        SegmentPacker packer = new SegmentPacker();
        int index = random.nextInt(3) * 1_000_000;
        int gaps = random.nextInt(4) * 100; // none in one of four
        for (int segment = 0; segment < 4; segment++) {
            List<Job> jobs = new ArrayList<>();
            int wanted = 1 + random.nextInt(PackedSegment.MAX_JOBS);
            while (jobs.size() < wanted && !packer.isFull()) {
                if (!packer.takes(index)) {
                    break;
                }
                jobs.add(job(index, random));
                packer.add(jobs.get(jobs.size() - 1));
                index += gaps == 0 ? 1 : 1 + random.nextInt(gaps);
            }
            PackedSegment packed = packer.take();
            assertThat(packer.isEmpty()).isTrue();
            assertThat(packed.jobs()).isEqualTo(jobs.size());
            assertThat(packed.endIndex()).isEqualTo(jobs.get(jobs.size() - 1).index() + 1);
            SegmentCursor cursor = new SegmentCursor(packed);
            for (Job job : jobs) {
                assertThat(cursor.nextIndex()).isEqualTo(job.index());
                if (random.nextInt(4) == 0) {
                    cursor.skip();
                } else {
                    assertSame(cursor.next(), job);
                }
            }
            assertThat(cursor.hasNext()).isFalse();
            assertThatThrownBy(cursor::next).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void segmentIsFullAt256JobsOr256KiB() {
        SegmentPacker packer = new SegmentPacker();
        for (int i = 0; i < 256; i++) {
            assertThat(packer.isFull()).isFalse();
            packer.add(Batches.job(i));
        }
        assertThat(packer.isFull()).isTrue();
        packer.take();

        packer.add(new Job(256, "echo", null, 0, null, new byte[PackedSegment.FULL_BYTES]));
        assertThat(packer.isFull()).isTrue();
        assertThat(packer.take().data()).hasSizeGreaterThan(PackedSegment.FULL_BYTES);
    }

    @Test
    void segmentsFromBeforeJobsHadAttemptsAreRead() {
        byte[] packed = Batches.bytes("\037\4echo\2ab\7\2{}\0011\000\020\0012");

        SegmentCursor cursor = new SegmentCursor(new PackedSegment(5, 3, packed));

        assertSame(cursor.next(), new Job(5, "echo", "ab", 7, 0, Batches.bytes("{}"), Batches.bytes("1"), null));
        assertSame(cursor.next(), new Job(6, "echo", null, 0, 0, null, null, null));
        assertSame(cursor.next(), new Job(7, "echo", null, 0, 0, null, Batches.bytes("2"), null));
    }

    @Test
    void jobsFollowOneAnother() {
        SegmentPacker packer = new SegmentPacker();
        packer.add(Batches.job(7));

        assertThatThrownBy(() -> packer.add(Batches.job(7))).isInstanceOf(IllegalArgumentException.class);
        assertThat(packer.takes(7 + 256)).isFalse();
        assertThatThrownBy(() -> packer.add(Batches.job(7 + 256))).isInstanceOf(IllegalArgumentException.class);
        packer.add(Batches.job(7 + 255));
        assertThat(packer.take().endIndex()).isEqualTo(7 + 256);
    }

    @Test
    void outcomeOfAJobOutsideItsSegmentIsRefusedAtOnce() {
        SegmentRef segment = SegmentRef.fresh(new BatchRef("t", 1, "b"), 256);

        assertThatThrownBy(() -> Batches.outcome(segment, 255)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Batches.outcome(segment, 512)).isInstanceOf(IllegalArgumentException.class);
        assertThat(Batches.outcome(segment, 511).index()).isEqualTo(511);
    }

    private static void assertSame(Job one, Job other) {
        assertThat(one.index()).isEqualTo(other.index());
        assertThat(one.kind()).isEqualTo(other.kind());
        assertThat(one.customId()).isEqualTo(other.customId());
        assertThat(one.timeoutMillis()).isEqualTo(other.timeoutMillis());
        assertThat(one.maxAttempts()).isEqualTo(other.maxAttempts());
        assertThat(Arrays.equals(one.metadata(), other.metadata())).isTrue();
        assertThat(Arrays.equals(one.input(), other.input())).isTrue();
        assertThat(Arrays.equals(one.problem(), other.problem())).isTrue();
    }

    private static Job job(int index, SplittableRandom random) {
        return new Job(
                index,
                random.nextInt(3) == 0 ? "hash" : "echo",
                random.nextBoolean() ? null : "käse-" + random.nextInt(),
                random.nextBoolean() ? 0 : random.nextLong(1, Long.MAX_VALUE),
                random.nextInt(3) == 0 ? random.nextInt(1, BatchRules.MAX_ATTEMPTS + 1) : 0,
                random.nextBoolean() ? null : noise(random, 300),
                random.nextInt(5) == 0 ? null : noise(random, random.nextInt(50) == 0 ? 70_000 : 200),
                random.nextInt(20) == 0 ? noise(random, 100) : null);
    }

    private static byte @Nullable [] noise(SplittableRandom random, int upTo) {
        byte[] noise = new byte[random.nextInt(upTo)];
        random.nextBytes(noise);
        return noise;
    }
}
