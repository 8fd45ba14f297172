package io.conveyor.handler;

import io.conveyor.job.CallbackFault;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The kind of job that tells others of the end of a batch. Only the service makes jobs of it: what they send is signed by
 * the operator's secrets, so no client may say what is in it, and nobody lists it.
 */
public interface CallbackSender extends JobHandler {

    /** Name of the kind. */
    String KIND = "callback";

    /**
     * What keeps a callback from being accepted, as far as can be known before it is sent.
     *
     * @param secretName name of the secret that it is to be signed with, or null for that without a name
     */
    Optional<CallbackFault> fault(String url, @Nullable String secretName);
}
