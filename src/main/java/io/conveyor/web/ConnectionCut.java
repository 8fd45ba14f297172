package io.conveyor.web;

import jakarta.servlet.ServletRequest;
import org.apache.catalina.connector.Request;
import org.apache.coyote.ActionCode;

/**
 * Closes the connection of a request whose answer is not complete. The Servlet API has no means to do so outside of a
 * request's own thread: completing such a request would end the body as if it were whole. Keeps nothing itself.
 */
public final class ConnectionCut {

    private static final String ATTRIBUTE = ConnectionCut.class.getName();

    private ConnectionCut() {}

    /** Makes a request one that can be cut; called for each by our valve, which alone sees the container's own object. */
    static void prepare(Request request) {
        Runnable cut = () -> request.getResponse().getCoyoteResponse().action(ActionCode.CLOSE_NOW, null);
        request.setAttribute(ATTRIBUTE, cut);
    }

    /** Cuts the connection: nothing more is written. The request must not be over; it is still to be completed. */
    public static void cut(ServletRequest request) {
        if (request.getAttribute(ATTRIBUTE) instanceof Runnable cut) {
            cut.run();
        } else {
            throw new IllegalStateException("The valve that prepares requests to be cut is not there");
        }
    }
}
