package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.handler;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.HandlerRegistry;
import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchRules;
import io.conveyor.job.Job;
import io.conveyor.job.JobKind;
import io.conveyor.limit.Limit;
import io.conveyor.limit.LimitProperties;
import io.conveyor.limit.Limits;
import io.conveyor.limit.Permit;
import io.conveyor.store.BatchRef;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which limits a job is asked a place of. */
class AdmissionTest {

    private static final JobHandler PLAIN = handler("plain", job -> new JobOutput(job.input()));

    /** What was asked, as the handlers saw it. */
    private final List<String> asked = new ArrayList<>();

    private static LimitProperties.Rule rule(List<String> kinds, String... hosts) {
        return new LimitProperties.Rule(kinds, List.of(hosts), 1, null, Duration.ofSeconds(1));
    }

    private JobHandler calling(String kind, @Nullable String target) {
        return new JobHandler() {
            @Override
            public JobKind kind() {
                return new JobKind(kind, "for a test", "{}");
            }

            @Override
            public JobOutput handle(JobContext job) {
                return new JobOutput(job.input());
            }

            @Override
            public String target(JobContext job) {
                asked.add(kind + " " + job.index());
                if (target == null) {
                    throw new NoClassDefFoundError("left out of the plug-in");
                }
                return target;
            }
        };
    }

    private static ActiveBatch batch(int atOnce) {
        return new ActiveBatch(
                new BatchRef("default", 1, "b"), new BatchRules(0, 0, atOnce, 0, null), 10, 0, batch -> {});
    }

    private static Job job(String kind) {
        return new Job(3, kind, null, 0, null, BeltHarness.bytes("1"));
    }

    private static Admission admission(Limits limits, JobHandler... handlers) {
        return new Admission(limits, new HandlerRegistry(List.of(handlers)));
    }

    @Test
    void withoutLimitsNothingHasToWait() {
        try (Limits none = Limits.of(Map.of())) {
            Admission admission = admission(none, PLAIN);
            assertThat(admission.mayHold(batch(0))).isFalse();
            assertThat(admission.admit(batch(0), job("plain"))).isSameAs(Permit.FREE);
        }
    }

    @Test
    void theLimitOfABatchIsItsOwn() {
        try (Limits none = Limits.of(Map.of())) {
            Admission admission = admission(none, PLAIN);
            ActiveBatch batch = batch(1);
            assertThat(admission.mayHold(batch)).isTrue();
            Permit first = admission.admit(batch, job("plain"));
            assertThat(first).isNotNull().isNotSameAs(Permit.FREE);
            assertThat(admission.admit(batch, job("plain"))).isNull();
            assertThat(admission.admit(batch(1), job("plain"))).isNotNull();
            Objects.requireNonNull(first).release();
            assertThat(batch.isCalled()).isTrue();
        }
    }

    @Test
    void theLimitOfAKindHoldsForAllBatchesAndForNoOtherKind() {
        try (Limits limits = Limits.of(Map.of("one", rule(List.of("plain"))))) {
            Admission admission = admission(limits, PLAIN, calling("other", "a.example:443"));
            assertThat(admission.mayHold(batch(0))).isTrue();
            assertThat(admission.admit(batch(0), job("plain"))).isNotNull();
            assertThat(admission.admit(batch(0), job("plain"))).isNull();
            assertThat(admission.admit(batch(0), job("other"))).isSameAs(Permit.FREE);
            assertThat(asked).as("no limit depends on it").isEmpty();
        }
    }

    @Test
    void theLimitOfAHostHoldsForThoseWhoCallItOnly() {
        try (Limits limits = Limits.of(Map.of("host", rule(List.of(), "a.example")))) {
            Limit limit = limits.byName().get("host");
            Admission admission = admission(
                    limits,
                    PLAIN,
                    calling("a", "a.example:443"),
                    calling("b", "b.example:443"),
                    calling("broken", null));

            assertThat(admission.admit(batch(0), job("b"))).isSameAs(Permit.FREE);
            assertThat(admission.admit(batch(0), job("broken"))).isSameAs(Permit.FREE);
            assertThat(admission.admit(batch(0), job("gone"))).isSameAs(Permit.FREE);
            assertThat(limit.taken()).isZero();
            assertThat(admission.admit(batch(0), job("a"))).isNotNull();
            assertThat(limit.taken()).isEqualTo(1);
            assertThat(admission.admit(batch(0), job("a"))).isNull();
            assertThat(asked).containsExactly("b 3", "broken 3", "a 3", "a 3");
        }
    }
}
