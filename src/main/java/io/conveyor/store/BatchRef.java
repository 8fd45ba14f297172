package io.conveyor.store;

/**
 * Names a batch inside the service.
 *
 * @param tenant whose batch it is; part of every key
 * @param batchNo the store's own number, ascending in the order in which uploads began
 * @param id the name that clients use
 */
public record BatchRef(String tenant, long batchNo, String id) {}
