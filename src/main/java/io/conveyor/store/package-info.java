/**
 * The store: what is accepted and what came of it, on disk. One port ({@link io.conveyor.store.BatchStore}), one JDBC
 * implementation whose single writer commits in groups, one small dialect per database. May use {@code job} alone.
 */
@NullMarked
package io.conveyor.store;

import org.jspecify.annotations.NullMarked;
