package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.seal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.Job;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * A bit of a closed store turns over, anywhere: no client gets other results or inputs than those that were stored.
 * {@code -Dconveyor.faults.flips=N} for more than a few.
 */
class DamageTest {

    private static final int BATCHES = 5;
    private static final int JOBS = 300;

    private enum End {
        /** The same as before: the bit is in room that nobody uses, or in what this test does not look at. */
        SAME,
        /** The store does not start, or a reading fails. */
        NOTICED,
        /** Results or inputs that were never stored. */
        WRONG
    }

    /** All that clients can read of results and inputs. */
    private static List<String> read(JdbcBatchStore store) {
        List<String> all = new ArrayList<>();
        for (int n = 0; n < BATCHES; n++) {
            BatchRef ref = store.find(TENANT, "b" + n).orElseThrow().ref();
            int lines = 0;
            for (ResultLines some = store.results(ref, 0); some != null; some = store.results(ref, some.nextIndex())) {
                lines += add(some, all);
            }
            int seq = 0;
            for (ResultLines some = store.resultsBySeq(ref, 0); some.size() > 0; some = store.resultsBySeq(ref, seq)) {
                seq += add(some, all);
            }
            assertThat(lines).isEqualTo(JOBS);
            assertThat(seq).isEqualTo(JOBS);
            for (int index = 0; index < JOBS; index += 50) {
                Job job = Objects.requireNonNull(store.job(ref, index));
                all.add(job.kind() + new String(Objects.requireNonNull(job.input()), StandardCharsets.UTF_8));
            }
        }
        return all;
    }

    private static int add(ResultLines some, List<String> all) {
        for (int n = 0; n < some.size(); n++) {
            some.line(n, (bytes, offset, length) -> all.add(new String(bytes, offset, length, StandardCharsets.UTF_8)));
        }
        return some.size();
    }

    private static Path stored() {
        Path path = SqliteStores.fresh("damage");
        try (SqliteStores stores = SqliteStores.open(path, Clock.systemUTC())) {
            for (int n = 0; n < BATCHES; n++) {
                NewBatch batch = seal(stores.store, "b" + n, JOBS, 256);
                SegmentRef first = SegmentRef.fresh(batch.ref(), 0);
                SegmentRef second = SegmentRef.fresh(batch.ref(), 256);
                for (int index = 0; index < JOBS; index++) {
                    stores.store.record(outcome(index < 256 ? first : second, index));
                }
            }
        }
        return path;
    }

    private static End look(Path path, List<String> truth) {
        try (SqliteStores stores = SqliteStores.open(path, Clock.systemUTC())) {
            return read(stores.store).equals(truth) ? End.SAME : End.WRONG;
        } catch (Exception | AssertionError e) {
            return End.NOTICED;
        }
    }

    @Test
    void aBitThatTurnsOverIsNoticedOrChangesNothing() throws Exception {
        Path path = stored();
        List<String> truth;
        try (SqliteStores stores = SqliteStores.open(path, Clock.systemUTC())) {
            truth = read(stores.store);
        }
        byte[] whole = Files.readAllBytes(path);
        long seed = Long.getLong("conveyor.faults.seed", System.nanoTime());
        int flips = Integer.getInteger("conveyor.faults.flips", 60);
        Random random = new Random(seed);
        Map<End, Integer> ends = new EnumMap<>(End.class);
        for (int n = 0; n < flips; n++) {
            int at = random.nextInt(whole.length);
            byte[] damaged = whole.clone();
            damaged[at] ^= (byte) (1 << random.nextInt(8));
            // a place of its own: one that could not be opened stays taken while this process lives
            Path copy = SqliteStores.fresh("damaged-" + n);
            Files.write(copy, damaged);
            End end = look(copy, truth);
            Files.delete(copy);
            ends.merge(end, 1, Integer::sum);
            assertThat(end).as("byte %s of %s, seed %s", at, whole.length, seed).isNotEqualTo(End.WRONG);
        }
        System.out.println("DamageTest: " + flips + " flips in " + whole.length + " bytes, seed " + seed + ": " + ends);
    }

    /** Others are served as if nothing had happened. */
    @Test
    void aBatchThatIsDamagedHarmsNoOther() throws Exception {
        Path path = stored();
        try (SqliteStores stores = SqliteStores.open(path, Clock.systemUTC());
                var connection = stores.writing.getConnection();
                var statement = connection.createStatement()) {
            statement.execute("UPDATE outcome_block SET outcomes = zeroblob(length(outcomes)) WHERE batch_no ="
                    + " (SELECT batch_no FROM batch WHERE id = 'b2')");
            for (int n = 0; n < BATCHES; n++) {
                BatchRef ref = stores.store.find(TENANT, "b" + n).orElseThrow().ref();
                if (n == 2) {
                    assertThatThrownBy(() -> stores.store.results(ref, 0))
                            .isInstanceOfSatisfying(
                                    StoreException.class,
                                    e -> assertThat(e.reason()).isEqualTo(StoreException.Reason.DAMAGED));
                } else {
                    assertThat(Objects.requireNonNull(stores.store.results(ref, 0))
                                    .size())
                            .isPositive();
                }
            }
        }
    }
}
