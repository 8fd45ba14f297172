package io.conveyor.job;

/** Names of tenants. Every key and every query of the service carries one. */
public final class Tenant {

    /** The only tenant until there are keys that tell several apart. */
    public static final String DEFAULT = "default";

    private Tenant() {}
}
