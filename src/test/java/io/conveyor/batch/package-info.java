/** Tests of the HTTP face. */
@NullMarked
package io.conveyor.batch;

import org.jspecify.annotations.NullMarked;
