package io.conveyor.store;

import io.conveyor.job.JobState;
import java.util.BitSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.ResultSetExtractor;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Finds jobs by their outcomes, a segment at a time: outcomes tell without being read which jobs have them, and only of
 * segments that have one wanted are the inputs read. Holds nothing between two looks. Thread-safe.
 */
final class JobPicker {

    /** Outcomes from that index on, segment by segment; a row without any where there is none, or no segment. */
    private static final String OUTCOMES = """
            SELECT s.first_index, o.directory, o.first_seq
            FROM batch b
            LEFT JOIN segment s ON s.tenant = b.tenant AND s.batch_no = b.batch_no
                AND s.first_index > ? AND s.first_index + coalesce(s.span, s.jobs) > ?
            LEFT JOIN outcome_block o
                ON o.tenant = s.tenant AND o.batch_no = s.batch_no AND o.segment = s.first_index
            WHERE b.tenant = ? AND b.batch_no = ?
            ORDER BY s.first_index""";

    private final JdbcClient jdbc;
    private final BatchReader reader;
    private final Seals seals;

    JobPicker(JdbcClient jdbc, BatchReader reader, Seals seals) {
        this.seals = seals;
        this.jdbc = jdbc;
        this.reader = reader;
    }

    /** What a look at the outcomes has found: places in the segment that it is at. */
    private static final class Found {

        private final BitSet places = new BitSet();
        private boolean batchIsThere;
        private int firstIndex;
    }

    @Nullable
    PickedJobs pick(BatchRef batch, int fromIndex, Set<JobState> states) {
        ResultSetExtractor<Found> read = rows -> {
            Found found = new Found();
            while (rows.next()) {
                found.batchIsThere = true;
                int firstIndex = rows.getInt(1);
                if (!found.places.isEmpty() && firstIndex != found.firstIndex) {
                    break;
                }
                byte[] directory = rows.getBytes(2);
                if (directory != null) {
                    found.firstIndex = firstIndex;
                    directory = seals.openDirectory(batch, firstIndex, rows.getInt(3), directory);
                    addPlaces(directory, fromIndex - firstIndex, states, found.places);
                }
            }
            return found;
        };
        Found found = jdbc.sql(OUTCOMES)
                .params(fromIndex - PackedSegment.MAX_JOBS, fromIndex, batch.tenant(), batch.batchNo())
                .query(read);
        if (!found.batchIsThere) {
            throw ResultReader.gone(batch);
        }
        if (found.places.isEmpty()) {
            return null;
        }
        PackedSegment segment = reader.segmentOf(batch, found.firstIndex);
        if (segment == null) {
            throw ResultReader.gone(batch);
        }
        return new PickedJobs(segment, found.places);
    }

    private static void addPlaces(byte[] directory, int fromPlace, Set<JobState> states, BitSet places) {
        for (int entry = 0; entry < OutcomeBlock.count(directory); entry++) {
            int place = OutcomeBlock.place(directory, entry);
            if (place >= fromPlace && states.contains(OutcomeBlock.state(directory, entry))) {
                places.set(place);
            }
        }
    }
}
