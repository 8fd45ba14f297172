package io.conveyor.handler;

import io.conveyor.job.JobKind;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Autowired;
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
     * @throws HandlerStartException when two of them have one name
     */
    public HandlerRegistry(Collection<JobHandler> handlers) {
        this(handlers.stream().map(HandlerRegistry::bean));
    }

    @Autowired
    HandlerRegistry(Collection<JobHandler> beans, ObjectProvider<HandlerSource> sources) {
        this(Stream.concat(
                beans.stream().map(HandlerRegistry::bean),
                sources.orderedStream().flatMap(source -> source.handlers().stream())));
    }

    private HandlerRegistry(Stream<HandlerSource.Found> found) {
        Map<String, String> origins = new TreeMap<>();
        found.forEach(each -> {
            String name = each.handler().kind().name();
            handlers.put(name, each.handler());
            String other = origins.put(name, each.origin());
            if (other != null) {
                throw new HandlerStartException(
                        "Two handlers call their job kind '" + name + "': " + other + " and " + each.origin() + ".",
                        "Give one of them another name, or take it away.");
            }
        });
        kinds = handlers.values().stream()
                .filter(handler -> !(handler instanceof CallbackSender))
                .map(JobHandler::kind)
                .toList();
    }

    private static HandlerSource.Found bean(JobHandler handler) {
        return new HandlerSource.Found(handler, handler.getClass().getName());
    }

    /** The handler of that kind, if there is one. */
    public Optional<JobHandler> find(String kind) {
        return Optional.ofNullable(handlers.get(kind));
    }

    /** What sends callbacks, if there is such a thing. */
    public Optional<CallbackSender> callbacks() {
        return find(CallbackSender.KIND)
                .filter(CallbackSender.class::isInstance)
                .map(CallbackSender.class::cast);
    }

    /** All kinds that clients may name, sorted by name. */
    public List<JobKind> kinds() {
        return kinds;
    }
}
