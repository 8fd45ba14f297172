package io.conveyor.web;

import jakarta.servlet.ServletRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.catalina.connector.Request;
import org.apache.coyote.ActionCode;
import org.apache.coyote.Response;

/**
 * The container's own response behind one of the Servlet API, for what that API cannot do: close the connection of an
 * answer that is not complete (completing it would end the body as if it were whole), and write without a buffer for each
 * response. Belongs to one request and must not be used after it; not thread-safe.
 */
public final class ContainerResponse {

    private static final String ATTRIBUTE = ContainerResponse.class.getName();
    private static final String BEFORE_RELEASE = ATTRIBUTE + ".beforeRelease";

    private final Response response;

    private ContainerResponse(Response response) {
        this.response = response;
    }

    /** Leaves it with a request; called for each by our valve, which alone sees the container's objects. */
    static void attach(Request request) {
        request.setAttribute(
                ATTRIBUTE, new ContainerResponse(request.getResponse().getCoyoteResponse()));
    }

    /** That of a request. */
    public static ContainerResponse of(ServletRequest request) {
        if (request.getAttribute(ATTRIBUTE) instanceof ContainerResponse response) {
            return response;
        }
        throw new IllegalStateException("The valve that attaches it is not there");
    }

    /**
     * Has this called before the container closes the connection and takes the response back for the next one. That it
     * does without a word to any listener if another thread has found the connection broken while one of the container's
     * was busy with the same request. Called on a thread of the container, under its lock of the connection.
     */
    public void beforeRelease(Runnable leave) {
        response.getRequest().setAttribute(BEFORE_RELEASE, leave);
    }

    /** Calls what is to be called before. */
    static void release(org.apache.coyote.Request request) {
        if (request.getAttribute(BEFORE_RELEASE) instanceof Runnable leave) {
            leave.run();
        }
    }

    /**
     * Sends bytes of the body, past the response's own buffer, which must be empty and the headers sent. Without waiting,
     * if the response has a listener: what the client does not take, up to 8 KiB with the framing, is kept in the buffer
     * of the connection. Ask the stream of the response whether it is ready before, and after.
     *
     * @throws IOException if the client is gone
     */
    public void send(ByteBuffer bytes) throws IOException {
        response.doWrite(bytes);
        response.action(ActionCode.CLIENT_FLUSH, null);
        if (response.isExceptionPresent()) {
            throw new IOException("The client is gone", response.getErrorException());
        }
    }

    /** Closes the connection: nothing more is written. The request is still to be completed. */
    public void cut() {
        response.action(ActionCode.CLOSE_NOW, null);
    }
}
