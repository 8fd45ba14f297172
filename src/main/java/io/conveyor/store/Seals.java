package io.conveyor.store;

import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Opens what is sealed with a {@link Checksum} in the rows of segments and outcomes, and lets through what is from a time
 * before there were any. Thread-safe.
 */
final class Seals {

    // Mutable state
    /** The last batch without checksums. Written at the start, before anybody reads. */
    private volatile long lastWithout;

    /** Reads since when there are checksums. */
    void read(JdbcClient jdbc) {
        lastWithout =
                jdbc.sql("SELECT after_batch_no FROM sealed").query(Long.class).single();
    }

    byte[] openInput(BatchRef batch, int firstIndex, Places places, byte[] data) {
        return isSealed(batch) ? Checksum.open(data, inputPlace(batch, firstIndex, places)) : data;
    }

    byte[] openDirectory(BatchRef batch, int segment, int firstSeq, byte[] directory) {
        return isSealed(batch) ? Checksum.open(directory, batch.batchNo(), segment, firstSeq) : directory;
    }

    byte[] openValues(BatchRef batch, int segment, int firstSeq, byte[] facts, byte[] values) {
        return isSealed(batch) ? Checksum.open(values, batch.batchNo(), segment, firstSeq, Checksum.of(facts)) : values;
    }

    static byte[] sealInput(BatchRef batch, PackedSegment segment) {
        return Checksum.seal(segment.data(), inputPlace(batch, segment.firstIndex(), segment.places()));
    }

    private static long[] inputPlace(BatchRef batch, int firstIndex, Places places) {
        byte[] packed = places.packed();
        return new long[] {
            batch.batchNo(), firstIndex, places.count(), places.span(), packed == null ? 0 : Checksum.of(packed)
        };
    }

    static byte[] sealDirectory(SegmentRef segment, int firstSeq, OutcomeBlock block) {
        return Checksum.seal(block.directory(), segment.batch().batchNo(), segment.firstIndex(), firstSeq);
    }

    static byte[] sealValues(SegmentRef segment, int firstSeq, OutcomeBlock block) {
        return Checksum.seal(
                block.values(), segment.batch().batchNo(), segment.firstIndex(), firstSeq, Checksum.of(block.facts()));
    }

    private boolean isSealed(BatchRef batch) {
        return batch.batchNo() > lastWithout;
    }
}
