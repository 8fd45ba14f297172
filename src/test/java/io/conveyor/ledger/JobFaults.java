package io.conveyor.ledger;

import io.conveyor.ledger.PlannedJob.Sort;
import java.util.List;
import java.util.stream.Stream;

/** Jobs that do harm, and targets that do. Has no state. */
final class JobFaults {

    static final List<Fault> ALL = Stream.of(
                    new Harm("a target that hangs", Sort.HANG),
                    new Harm("a target that trickles", Sort.TRICKLE),
                    new Harm("a target that answers 503", Sort.FLAKY),
                    new Harm("a target that redirects for ever", Sort.LOOP),
                    new Harm("jobs that ignore interrupts", Sort.STUBBORN),
                    new Harm("jobs that leave processes behind", Sort.FORK),
                    new Harm("jobs that write without end", Sort.FLOOD))
            .map(Fault.class::cast)
            .toList();

    private JobFaults() {}

    private record Harm(String name, Sort sort) implements Fault {

        @Override
        public void strike(Scene scene) throws InterruptedException {
            for (int n = 0; n < 3; n++) {
                scene.calls().submit(scene.planner().harmful(sort), "respond-async");
            }
            Scene.pause(scene.random().nextInt(1000));
        }
    }
}
