/**
 * Answers that are longer than a client may read at once: written without a thread of the container, whatever the pace of
 * the client. Knows nothing of what it writes.
 */
@NullMarked
package io.conveyor.web.stream;

import org.jspecify.annotations.NullMarked;
