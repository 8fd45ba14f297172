package io.conveyor.store;

/**
 * A batch that is made when another ends, exactly once: in the transaction that ends it.
 *
 * @param id the id that it will have
 * @param segment its jobs, from index 0 without a gap. The input of each is a JSON object that breaks off within its last
 *     member, an object with at least one member of its own: what comes of the other batch is added to that as
 *     {@code outcome}, {@code counts} and {@code ended_at}, and both are closed
 */
public record Continuation(String id, PackedSegment segment) {

    public Continuation {
        if (segment.firstIndex() != 0 || segment.endIndex() != segment.jobs()) {
            throw new IllegalArgumentException("The jobs of a continuation have the indexes from 0 on");
        }
    }
}
