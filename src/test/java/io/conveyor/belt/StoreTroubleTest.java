package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.store.StoreException;
import io.conveyor.store.StoreFailures;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** What the log says of a store that fails again and again. */
@ExtendWith(OutputCaptureExtension.class)
class StoreTroubleTest {

    private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 5);
    private final StoreTrouble trouble = new StoreTrouble(nanos::get);

    private void met(StoreException.Reason reason, String what) {
        trouble.met(what, StoreFailures.failure(reason));
    }

    @Test
    void aFullDiskIsToldOfOnceHoweverLongItIsFull(CapturedOutput output) {
        for (int n = 0; n < 100; n++) {
            met(StoreException.Reason.FULL, "feed the batch " + n);
            nanos.addAndGet(StoreTrouble.OVER.toNanos());
        }
        assertThat(output.getAll())
                .containsOnlyOnce("ERROR")
                .contains("Could not feed the batch 0, since the store failed; trying again");
    }

    @Test
    void itIsToldAgainForAnotherReasonAndAfterAWhile(CapturedOutput output) {
        met(StoreException.Reason.FULL, "first");
        met(StoreException.Reason.UNAVAILABLE, "second");
        met(StoreException.Reason.UNAVAILABLE, "third");
        nanos.addAndGet(StoreTrouble.OVER.toNanos() + 1);
        met(StoreException.Reason.UNAVAILABLE, "fourth");
        assertThat(output.getAll())
                .contains("Could not first", "Could not second", "Could not fourth")
                .doesNotContain("third");
    }

    @Test
    void damageIsToldOnceForEachBatch(CapturedOutput output) {
        for (int n = 0; n < 100; n++) {
            met(StoreException.Reason.DAMAGED, "read one");
            met(StoreException.Reason.DAMAGED, "read another");
            nanos.addAndGet(StoreTrouble.OVER.toNanos());
        }
        assertThat(output.getAll()).containsOnlyOnce("Could not read one").containsOnlyOnce("Could not read another");
    }

    @Test
    void aFaultOfOursIsToldEachTime(CapturedOutput output) {
        trouble.met("read", new IllegalStateException("a fault"));
        trouble.met("read", new IllegalStateException("a fault"));
        assertThat(output.getAll().split("Could not read; trying again", -1)).hasSize(3);
    }

    @Test
    void whatIsToldDoesNotGrowWithWhatWasMet(CapturedOutput output) {
        int kinds = 1001;
        for (int n = 0; n < kinds; n++) {
            met(StoreException.Reason.DAMAGED, "read batch " + n + ".");
        }
        met(StoreException.Reason.DAMAGED, "read batch 1000.");
        met(StoreException.Reason.DAMAGED, "read batch 0.");
        assertThat(output.getAll().split("read batch 0\\.", -1)).hasSize(3);
        assertThat(output.getAll()).containsOnlyOnce("read batch 1000.");
    }

    @Test
    void theEndIsToldIfTheBeginningWas(CapturedOutput output) {
        trouble.over("look");
        met(StoreException.Reason.FULL, "look");
        trouble.over("look");
        trouble.over("look");
        met(StoreException.Reason.FULL, "look");
        assertThat(output.getAll()).containsOnlyOnce("Could look again");
        assertThat(output.getAll().split("Could not look", -1)).hasSize(3);
    }
}
