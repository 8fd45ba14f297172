package io.conveyor.job;

/**
 * Why a callback cannot be accepted.
 *
 * @param field what of it is at fault: {@code url} or {@code secret_name}; empty if it is the service that lacks something
 * @param detail what is wrong, and how to mend it
 */
public record CallbackFault(String field, String detail) {}
