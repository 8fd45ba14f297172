/** Tests of what operators see, on the real service. */
@NullMarked
package io.conveyor.monitor;

import org.jspecify.annotations.NullMarked;
