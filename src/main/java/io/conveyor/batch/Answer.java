package io.conveyor.batch;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/**
 * An answer that is made when it is written, on the thread of the container that writes it: whoever completes a waiting
 * request, such as the writer of the store, does no work for it. A failure before the first bytes are out becomes a
 * problem; a later one breaks the connection, so that nothing cut looks complete.
 */
@FunctionalInterface
interface Answer {

    /** Sets status and headers, and writes the body. */
    void writeTo(HttpServletResponse response) throws IOException;
}
