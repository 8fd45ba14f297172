package io.conveyor.handler;

import io.conveyor.job.JobKind;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.springframework.stereotype.Component;

/**
 * All kinds of job that this service can do, by name. Two handlers of one name keep the service from starting.
 * Immutable after construction, so safe for all threads.
 */
@Component
public final class HandlerRegistry {

    private final SortedMap<String, JobHandler> handlers = new TreeMap<>();
    private final List<JobKind> kinds;

    /**
     * Takes over all handlers.
     *
     * @throws IllegalStateException when two of them have one name
     */
    public HandlerRegistry(Collection<JobHandler> handlers) {
        for (JobHandler handler : handlers) {
            String name = handler.kind().name();
            JobHandler other = this.handlers.putIfAbsent(name, handler);
            if (other != null) {
                throw new IllegalStateException("Two handlers call their job kind '" + name + "': "
                        + other.getClass().getName() + " and "
                        + handler.getClass().getName()
                        + ". Give one of them another name, or take its bean away.");
            }
        }
        kinds = this.handlers.values().stream().map(JobHandler::kind).toList();
    }

    /** The handler of that kind, if there is one. */
    public Optional<JobHandler> find(String kind) {
        return Optional.ofNullable(handlers.get(kind));
    }

    /** All kinds, sorted by name. */
    public List<JobKind> kinds() {
        return kinds;
    }
}
