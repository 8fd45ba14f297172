/**
 * The vocabulary: batch, job, outcome, their states and transitions. Records and enums that every other package
 * speaks in; uses no other package and no framework.
 */
@NullMarked
package io.conveyor.job;

import org.jspecify.annotations.NullMarked;
