/** Tests of streamed answers that need no server; the others stand with the endpoints. */
@NullMarked
package io.conveyor.web.stream;

import org.jspecify.annotations.NullMarked;
