package io.conveyor.handler;

import java.util.List;

/** Where handlers come from that are no beans. Asked once, at the start. */
public interface HandlerSource {

    List<Found> handlers();

    /**
     * One of them.
     *
     * @param origin its class and where that was found, for whoever has to mend something
     */
    record Found(JobHandler handler, String origin) {}
}
