package io.conveyor.store;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.Job;
import io.conveyor.job.Tally;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the batches that are to follow others, and makes them in the transaction that ends those: whoever sees that a batch
 * has ended sees what follows it, and there is no moment at which a crash could lose it or have it made twice. Writer thread
 * only.
 */
final class Continuations {

    private static final Logger log = LoggerFactory.getLogger(Continuations.class);

    private static final String INSERT =
            "INSERT INTO continuation (tenant, batch_no, id, jobs, data) VALUES (?, ?, ?, ?, ?)";
    private static final String OF_BATCH =
            "SELECT id, jobs, data FROM continuation WHERE tenant = ? AND batch_no = ? ORDER BY id";
    private static final String DELETE = "DELETE FROM continuation WHERE tenant = ? AND batch_no = ?";

    /** RFC 3339 in UTC with milliseconds. */
    private static final DateTimeFormatter TIME =
            new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

    /** Nobody sends these batches, so no request is a repetition of one. */
    private static final byte[] NO_REQUEST = {};

    private final LongSupplier batchNos;

    /** @param batchNos gives each new batch its number */
    Continuations(LongSupplier batchNos) {
        this.batchNos = batchNos;
    }

    /** How a batch has ended. */
    record Ending(BatchOutcome outcome, Tally tally, long endedAt) {}

    void keep(WriteSession session, NewBatch batch) throws SQLException {
        BatchRef ref = batch.ref();
        for (Continuation each : batch.continuations()) {
            PackedSegment segment = each.segment();
            session.update(INSERT, ref.tenant(), ref.batchNo(), each.id(), segment.jobs(), segment.data());
        }
    }

    /** Makes what follows a batch that ends in this transaction. */
    List<NewBatch> follow(WriteSession session, BatchRef ended, Ending ending) throws SQLException {
        List<Continuation> waiting = session.list(
                OF_BATCH,
                row -> new Continuation(row.getString(1), new PackedSegment(0, row.getInt(2), row.getBytes(3))),
                ended.tenant(),
                ended.batchNo());
        if (waiting.isEmpty()) {
            return List.of();
        }
        session.update(DELETE, ended.tenant(), ended.batchNo());
        byte[] tail = tail(ending);
        List<NewBatch> made = new ArrayList<>();
        for (Continuation each : waiting) {
            NewBatch batch = batch(ended, each, ending.endedAt());
            if (session.seal(batch, List.of(completed(each.segment(), tail)), 0)) {
                made.add(batch);
            } else {
                log.error(
                        "Batch {} cannot be followed by {}: there is another batch of that id", ended.id(), each.id());
            }
        }
        return made;
    }

    private NewBatch batch(BatchRef ended, Continuation continuation, long now) {
        return new NewBatch(
                new BatchRef(ended.tenant(), batchNos.getAsLong(), continuation.id()),
                null,
                null,
                NO_REQUEST,
                null,
                BatchRules.NONE,
                new Origin(null, ended.id()),
                continuation.segment().jobs(),
                now);
    }

    private static PackedSegment completed(PackedSegment segment, byte[] tail) {
        SegmentPacker packer = new SegmentPacker();
        SegmentCursor cursor = new SegmentCursor(segment);
        while (cursor.hasNext()) {
            Job job = cursor.next();
            byte[] begun = job.input() == null ? new byte[0] : job.input();
            byte[] input = Arrays.copyOf(begun, begun.length + tail.length);
            System.arraycopy(tail, 0, input, begun.length, tail.length);
            packer.add(job.withInput(input));
        }
        return packer.take();
    }

    private static byte[] tail(Ending ending) {
        Tally tally = ending.tally();
        String text = ",\"outcome\":\"" + ending.outcome().wireName() + "\",\"counts\":{\"total\":" + tally.total()
                + ",\"pending\":0,\"running\":0,\"succeeded\":" + tally.succeeded() + ",\"failed\":" + tally.failed()
                + ",\"cancelled\":" + tally.cancelled() + ",\"expired\":" + tally.expired() + "},\"ended_at\":\""
                + TIME.format(Instant.ofEpochMilli(ending.endedAt())) + "\"}}";
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
