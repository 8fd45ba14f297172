/**
 * Limits of how many jobs of a sort run at once, and of how many start in a time: who may go on gets a permit, who may not
 * is called when it is worth asking again. Nobody waits in here.
 */
@NullMarked
package io.conveyor.limit;

import org.jspecify.annotations.NullMarked;
