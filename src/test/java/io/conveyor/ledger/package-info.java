/**
 * The ledger: the packaged jar under load and under faults, and books that are compared. Clients write down what they asked
 * and what they were told ({@code ClientBook}), the target of the jobs what was started and ended ({@code TargetBook}),
 * the nemesis each life of the service and each fault ({@code LifeBook}), the prober each probe. They are joined by the key
 * of a batch and the index of a job, which stand in the input of the job, and by one clock ({@code Moment}).
 * {@code Checker} holds them against each other and against what is stored at the end; it knows no service, so that
 * forged books can show that it fails.
 */
@NullMarked
package io.conveyor.ledger;

import org.jspecify.annotations.NullMarked;
