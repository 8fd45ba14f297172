package io.conveyor.ledger;

import io.conveyor.service.ServiceProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * The service at work: its processes, the clients that keep it busy, and the target that its jobs call, each with its
 * book. What clients draw follows from the random; when it happens does not. Begun and ended by one thread.
 */
public final class Load implements AutoCloseable {

    private final Workplace workplace;
    private final Journal clientsJournal;
    private final Journal targetJournal;
    private final Journal livesJournal;
    private final TargetBook targetBook;
    private final Target target;
    private final Lives lives;
    private final Calls calls;
    private final Clients clients;

    /** Starts the first process and waits until it is ready; the clients wait for {@link #start}. */
    public Load(Path directory, SplittableRandom random, List<String> jvmFlags, List<String> options)
            throws IOException {
        workplace = new Workplace(directory);
        clientsJournal = new Journal(workplace.journal("clients.log"));
        targetJournal = new Journal(workplace.journal("target.log"));
        livesJournal = new Journal(workplace.journal("nemesis.log"));
        targetBook = new TargetBook(targetJournal, workplace.programs());
        target = new Target(targetBook);
        List<String> all = new ArrayList<>(workplace.options());
        all.addAll(options);
        lives = new Lives(directory, jvmFlags, all, livesJournal);
        calls = new Calls(lives, new ClientBook(), clientsJournal);
        clients = new Clients(calls, target.url(), random);
    }

    /** One more client; before the start. */
    public void add(String name, int pauseMillis, Clients.Turn turn, SplittableRandom random) {
        clients.add(name, pauseMillis, turn, random);
    }

    /**
     * Clients and jobs that do harm, as the faults of the ledger do; each turn is one of them.
     *
     * @param prefix sets the keys of their batches apart from those of all others
     */
    public Clients.Turn harm(String prefix, SplittableRandom random) {
        Planner planner = new Planner(random.split(), prefix, target.url());
        Scene scene = new Scene(lives, calls, planner, random);
        List<Fault> faults = new ArrayList<>(ClientFaults.ALL);
        faults.addAll(JobFaults.ALL);
        return () -> {
            try {
                faults.get(random.nextInt(faults.size())).strike(scene);
            } catch (IOException e) {
                // The service hung up first, which it may.
            }
        };
    }

    public void start() {
        clients.start();
    }

    /** Waits until each client has got its last answer. */
    public void stop() throws InterruptedException {
        clients.stop();
    }

    public Calls calls() {
        return calls;
    }

    /** Where the target of the jobs listens, without a slash at the end. */
    public String target() {
        return target.url();
    }

    public ServiceProcess process() {
        return lives.process();
    }

    /** What clients did not understand: a fault of the harness, or an answer that no contract has. */
    public List<Throwable> failures() {
        return clients.failures();
    }

    /** Answers by status. */
    public Map<String, Long> answers() {
        return calls.counts();
    }

    Workplace workplace() {
        return workplace;
    }

    Lives lives() {
        return lives;
    }

    TargetBook targetBook() {
        return targetBook;
    }

    /** Of processes, and of what is done to them. */
    Journal livesJournal() {
        return livesJournal;
    }

    @Override
    public void close() {
        lives.close();
        target.close();
        livesJournal.close();
        targetJournal.close();
        clientsJournal.close();
    }
}
