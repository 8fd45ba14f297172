package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.StoreException;
import io.conveyor.store.StoreFailures;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** When it looks for deadlines, and what it does with what it finds; nothing of it waits for a clock. */
@ExtendWith(OutputCaptureExtension.class)
class DeadlinesTest {

    private static final long HOUR = Duration.ofHours(1).toMillis();

    /** Milliseconds until each look that was planned, and "cancelled" where one was given up. */
    private final List<Object> planned = new ArrayList<>();

    private final Deque<Runnable> looks = new ArrayDeque<>();
    private final List<BatchRef> stopped = new ArrayList<>();

    /** What the store says next, or fails with. */
    private final Deque<Object> said = new ArrayDeque<>();

    private boolean closed;

    private final Deadlines deadlines = new Deadlines(
            (BatchStore) proxy(BatchStore.class, (method, arguments) -> {
                Object answer = said.remove();
                if (answer instanceof RuntimeException failure) {
                    throw failure;
                }
                return answer;
            }),
            (ScheduledExecutorService) proxy(ScheduledExecutorService.class, (method, arguments) -> {
                if (closed) {
                    throw new RejectedExecutionException("on purpose");
                }
                assertThat(arguments[2]).isEqualTo(TimeUnit.MILLISECONDS);
                planned.add(arguments[1]);
                looks.add((Runnable) arguments[0]);
                long delay = (long) arguments[1];
                return proxy(
                        ScheduledFuture.class,
                        (call, its) -> call.equals("getDelay") ? (Object) delay : planned.add("cancelled"));
            }),
            stopped::add);

    private interface Call {
        Object at(String method, Object[] arguments);
    }

    private static Object proxy(Class<?> type, Call call) {
        return Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, arguments) -> call.at(method.getName(), arguments));
    }

    private static BatchRef ref(long number) {
        return new BatchRef("default", number, "b" + number);
    }

    @Test
    void onlyAnEarlierDeadlineMovesTheNextLook() {
        deadlines.within(1000);
        deadlines.within(1000);
        deadlines.within(2000);
        assertThat(planned).containsExactly(1000L);
        deadlines.within(999);
        assertThat(planned).containsExactly(1000L, "cancelled", 999L);
    }

    @Test
    void aLookGivesItsPlaceUpAndComesBackForTheNextDeadline() {
        deadlines.within(5);
        said.add(OptionalLong.of(7000));
        looks.remove().run();
        assertThat(planned).containsExactly(5L, 7000L);

        said.add(OptionalLong.of(9 * HOUR));
        looks.remove().run();
        said.add(OptionalLong.empty());
        looks.remove().run();
        assertThat(planned).containsExactly(5L, 7000L, HOUR, HOUR);
        assertThat(stopped).isEmpty();
    }

    @Test
    void whatIsLateIsStoppedPageByPage(CapturedOutput output) {
        said.add(OptionalLong.of(0));
        said.add(List.of(ref(1), ref(2)));
        said.add(OptionalLong.of(0));
        said.add(List.of(ref(3)));
        said.add(OptionalLong.of(40));

        deadlines.look();

        assertThat(stopped).containsExactly(ref(1), ref(2), ref(3));
        assertThat(planned).containsExactly(40L);
        assertThat(output.getAll()).contains("Stopped 2 batches", "Stopped 1 batches");
    }

    @Test
    void whereAnotherCameFirstItLooksAgainSoon() {
        said.add(OptionalLong.of(0));
        said.add(List.of());
        deadlines.look();
        assertThat(planned).containsExactly(1L);
        assertThat(said).isEmpty();
    }

    @Test
    void aStoreThatFailsIsAskedAgainAndToldOfAsLongAsItIsNew(CapturedOutput output) {
        for (int n = 0; n < 2; n++) {
            said.add(StoreFailures.failure(StoreException.Reason.FULL));
            deadlines.look();
        }
        assertThat(planned).containsExactly(500L, 500L);
        assertThat(output.getAll()).containsOnlyOnce("Could not look for batches whose deadline has passed");

        said.add(OptionalLong.empty());
        deadlines.look();
        assertThat(output.getAll()).containsOnlyOnce("Could look for batches whose deadline has passed again");
    }

    @Test
    void aFaultOfTheServiceDoesNotEndTheLooks() {
        IllegalStateException fault = new IllegalStateException("on purpose");
        said.add(fault);
        assertThatThrownBy(deadlines::look).isSameAs(fault);
        assertThat(planned).containsExactly(500L);
    }

    @Test
    void whoComesAfterTheStopPlansNothing() {
        closed = true;
        deadlines.within(5);
        said.add(OptionalLong.empty());
        deadlines.look();
        assertThat(planned).isEmpty();
    }
}
