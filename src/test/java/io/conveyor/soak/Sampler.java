package io.conveyor.soak;

import io.conveyor.ledger.Load;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;

/** Looks at all that a service holds. One thread. */
final class Sampler {

    private final SystemView system;
    private final JvmView jvm;
    private final StoreView store;
    private final MeterView meters;

    Sampler(Load load, Path directory) throws IOException {
        system = new SystemView(load.process().pid(), directory);
        jvm = new JvmView(load.process().pid(), directory);
        store = new StoreView(directory);
        meters = new MeterView(load.calls());
    }

    /** What only a collection closes counts as open: so the collection comes after the descriptors. */
    Sample look() throws IOException, InterruptedException, SQLException {
        Sample sample = new Sample();
        system.look(sample);
        jvm.look(sample);
        meters.look(sample);
        store.look(sample);
        return sample;
    }

    /** From now on the growth of the heap is counted. */
    void warm() {
        jvm.warm();
    }

    /** What the heap holds more of than at the first look, the largest first. */
    String growthOfHeap() {
        return jvm.growth();
    }

    /** Seconds that the service has computed so far. */
    double cpuSeconds() throws IOException {
        return system.cpuSeconds();
    }
}
