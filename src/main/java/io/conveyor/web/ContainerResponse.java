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

    /** More than the container writes around one piece of a body. */
    private static final int FRAMING_BYTES = 32;

    /** A place of the container's request object that is free for applications, and that no end of a request clears. */
    private static final int ROOM = 31;

    /** The buffer from which a connection is written, and what else belongs to the connection. */
    interface Room {

        /** Makes it as large as that, if it can be, and is not larger; returns its size. */
        int make(int bytes);

        /** Makes it as small as it was at first. */
        void giveBack();

        /** Lets the client keep the thread of this request waiting. */
        void mayPause();

        /** Whether the client has closed its side. */
        boolean isClosedByClient();
    }

    private final Response response;

    private ContainerResponse(Response response) {
        this.response = response;
    }

    /** Leaves it with a request; called for each by our valve, which alone sees the container's objects. */
    static void attach(Request request) {
        request.setAttribute(
                ATTRIBUTE, new ContainerResponse(request.getResponse().getCoyoteResponse()));
    }

    /** Leaves with the request objects of a connection how its buffer is made larger. */
    static void attachRoom(org.apache.coyote.Request request, Room room) {
        request.setNote(ROOM, room);
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
     * Has the buffer of the connection hold as many bytes and their framing as are wanted, if that can be, until {@link
     * #giveBackRoom} or the end of the connection. Call when the stream of the response is ready.
     *
     * @return how many bytes it holds now, to {@link #send} at once
     */
    public int room(int wanted) {
        return attachedRoom().make(wanted + FRAMING_BYTES) - FRAMING_BYTES;
    }

    /** Nothing large is written any more. Call when the stream of the response is ready. */
    public void giveBackRoom() {
        attachedRoom().giveBack();
    }

    /**
     * Lets the client of this request keep its thread waiting for as long as its time-outs allow, even when threads run short. Call
     * on that thread.
     */
    public void mayPause() {
        attachedRoom().mayPause();
    }

    /**
     * Whether the client has closed its side of the connection, which nobody else notices as long as nothing is written. What it
     * has sent ahead is kept for the next request; behind that nothing is seen. Call when nobody else may read from the connection: not while a
     * body arrives.
     */
    public boolean isClosedByClient() {
        return attachedRoom().isClosedByClient();
    }

    private Room attachedRoom() {
        if (response.getRequest().getNote(ROOM) instanceof Room room) {
            return room;
        }
        throw new IllegalStateException("The protocol that attaches it is not there");
    }

    /**
     * Sends bytes of the body, past the response's own buffer, which must be empty and the headers sent. Without waiting,
     * if the response has a listener: what the client does not take, up to {@link #room}, is kept in the buffer of the
     * connection, and what is more than that on the heap. Ask the stream of the response whether it is ready before, and
     * after.
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

    /** The status of the answer, as it stands. */
    public int status() {
        return response.getStatus();
    }

    /**
     * Notes the status of the answer once more. When the container finds that the client of an answer which goes on without a thread
     * is gone it notes 500, whatever the head said that went out: a fault of ours, for whoever counts the answers. Call when the
     * answer is over, and before anybody else hears of that.
     */
    public void keepStatus(int status) {
        response.setStatus(status);
    }

    /** Closes the connection: nothing more is written. The request is still to be completed. */
    public void cut() {
        response.action(ActionCode.CLOSE_NOW, null);
    }
}
