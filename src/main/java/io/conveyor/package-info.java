/** The root: holds only the application class, so that a newcomer starts reading at the packages below it. */
@NullMarked
package io.conveyor;

import org.jspecify.annotations.NullMarked;
