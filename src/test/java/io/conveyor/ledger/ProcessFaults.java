package io.conveyor.ledger;

import io.conveyor.service.ServiceProcess;
import java.util.List;

/** What is done to the process by signals. Has no state. */
final class ProcessFaults {

    static final List<Fault> ALL =
            List.of(new Kill(), new KillAtStart(), new Freeze(), new Terminate(), new TerminateTwice());

    /** Milliseconds of a start: a kill meets migrations, recovery, the first requests. */
    private static final int START = 6000;

    private ProcessFaults() {}

    private static final class Kill implements Fault {

        @Override
        public String name() {
            return "kill -9";
        }

        @Override
        public void strike(Scene scene) throws InterruptedException {
            scene.awaitLongEnough();
            scene.lives().kill();
            scene.restart();
        }
    }

    private static final class KillAtStart implements Fault {

        @Override
        public String name() {
            return "kill -9 in the start";
        }

        @Override
        public void strike(Scene scene) throws InterruptedException {
            scene.awaitLongEnough();
            scene.lives().kill();
            scene.lives().spawn(List.of());
            Scene.pause(scene.random().nextInt(START));
            scene.lives().kill();
            scene.restart();
        }
    }

    private static final class Freeze implements Fault {

        @Override
        public String name() {
            return "SIGSTOP, SIGCONT";
        }

        @Override
        public void strike(Scene scene) throws InterruptedException {
            ServiceProcess process = scene.lives().process();
            long from = Moment.now();
            process.signal("STOP");
            try {
                Scene.pause(scene.random().nextInt(1000, 6000));
            } finally {
                process.signal("CONT");
                scene.lives().halted(Books.Halt.Why.STOPPED, from);
            }
        }
    }

    private static final class Terminate implements Fault {

        @Override
        public String name() {
            return "SIGTERM";
        }

        @Override
        public void strike(Scene scene) throws InterruptedException {
            scene.awaitLongEnough();
            scene.lives().ending();
            scene.lives().process().signal("TERM");
            scene.lives().awaitEnd(0, ServiceProcess.TERMINATED);
            scene.restart();
        }
    }

    private static final class TerminateTwice implements Fault {

        @Override
        public String name() {
            return "SIGTERM twice";
        }

        @Override
        public void strike(Scene scene) throws InterruptedException {
            scene.awaitLongEnough();
            scene.lives().ending();
            scene.lives().process().signal("TERM");
            Scene.pause(scene.random().nextInt(500));
            if (scene.lives().process().isAlive()) {
                scene.lives().process().signal("TERM");
            }
            scene.lives().awaitEnd(0, ServiceProcess.TERMINATED);
            scene.restart();
        }
    }
}
