package io.conveyor.batch;

import io.conveyor.web.ApiException;
import io.conveyor.web.Problem;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/**
 * A body that has to be complete in time, however steadily it trickles: after that a read ends in a 408. The time is looked
 * at when bytes come; how long none may come is the connection's to say. Not thread-safe, like any stream.
 */
final class TimedBody extends FilterInputStream {

    private final Duration most;
    private final long begin = System.nanoTime();

    TimedBody(InputStream body, Duration most) {
        super(body);
        this.most = most;
    }

    @Override
    public int read() throws IOException {
        inTime();
        return super.read();
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        inTime();
        return super.read(target, offset, length);
    }

    private void inTime() {
        if (System.nanoTime() - begin > most.toNanos()) {
            throw ApiException.of(
                    Problem.REQUEST_TIMEOUT,
                    "The body was not complete after " + most.toSeconds()
                            + " s. Nothing of it was kept. A producer that takes its time can send with"
                            + " start=immediately.");
        }
    }
}
