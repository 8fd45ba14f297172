package io.conveyor.handler.http;

import io.conveyor.handler.JobFailure;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.jspecify.annotations.Nullable;

/** Says in plain words why there is no answer. All of it may pass, but for a certificate that is not trusted. */
final class HttpFaults {

    private HttpFaults() {}

    static JobFailure failure(String place, @Nullable Throwable cause) {
        if (cause instanceof UnknownHostException) {
            return JobFailure.retryable("No address was found for the host of " + place + ". Check its spelling.");
        }
        if (cause instanceof ConnectTimeoutException || cause instanceof SocketTimeoutException) {
            return JobFailure.retryable("No connection to " + place + " came about in time.");
        }
        if (cause instanceof ConnectException) {
            return JobFailure.retryable("No connection to " + place + " came about: it refuses, or nobody is there.");
        }
        if (isRefusal(cause)) {
            return JobFailure.of(
                    "No secure connection to " + place
                            + " came about: its certificate is not trusted, is for another host, or there is no common protocol.");
        }
        return JobFailure.retryable("The connection to " + place + " broke before the answer was complete.");
    }

    /** Whether one of both does not want the other; a connection that broke in the handshake says nothing of that. */
    private static boolean isRefusal(@Nullable Throwable cause) {
        return cause instanceof SSLPeerUnverifiedException
                || (cause instanceof SSLHandshakeException && !(cause.getCause() instanceof IOException));
    }
}
