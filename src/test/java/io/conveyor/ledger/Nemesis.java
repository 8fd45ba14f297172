package io.conveyor.ledger;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Draws faults and lets them strike, one after the other: each once before any comes again, in an order that follows from
 * the seed. One thread.
 */
final class Nemesis {

    /** Milliseconds between two faults at the most. */
    private static final int CALM = 1500;

    private final Scene scene;
    private final Journal journal;
    private final List<Fault> faults = new ArrayList<>();
    private final Map<String, String> skipped = new TreeMap<>();
    private final Map<String, Integer> done = new TreeMap<>();
    private final Deque<Fault> deck = new ArrayDeque<>();

    Nemesis(Scene scene, Journal journal, String only) {
        this.scene = scene;
        this.journal = journal;
        for (List<Fault> all : List.of(ProcessFaults.ALL, ClientFaults.ALL, JobFaults.ALL, MachineFaults.ALL)) {
            for (Fault fault : all) {
                if (!only.isEmpty() && !fault.name().contains(only)) {
                    continue;
                }
                fault.missing().ifPresentOrElse(why -> skipped.put(fault.name(), why), () -> faults.add(fault));
            }
        }
    }

    /** Lets one fault strike. */
    void strike() throws IOException, InterruptedException {
        Scene.pause(scene.random().nextInt(CALM));
        if (deck.isEmpty()) {
            List<Fault> shuffled = new ArrayList<>(faults);
            Collections.shuffle(shuffled, new Random(scene.random().nextLong()));
            deck.addAll(shuffled);
        }
        Fault fault = deck.remove();
        journal.write("fault: " + fault.name());
        fault.strike(scene);
        journal.write("fault over: " + fault.name());
        done.merge(fault.name(), 1, Integer::sum);
    }

    /** Faults that have struck, and how often. */
    Map<String, Integer> done() {
        return done;
    }

    /** Faults that this machine does not allow, and why. */
    Map<String, String> skipped() {
        return skipped;
    }
}
