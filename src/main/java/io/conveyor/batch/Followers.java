package io.conveyor.batch;

import io.conveyor.job.Job;
import io.conveyor.store.Continuation;
import io.conveyor.store.SegmentPacker;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * What is to come after the end of a batch: jobs of its client's, and a message to somebody. Immutable.
 *
 * @param then jobs whose inputs are objects, or absent; empty for none
 * @param callback whom to tell, or null
 */
record Followers(List<Job> then, @Nullable Callback callback) {

    /** Nothing comes after it. */
    static final Followers NONE = new Followers(List.of(), null);

    /** Attempts at a callback; with the usual backoff they go over hours. */
    private static final int CALLBACK_ATTEMPTS = 100;

    /** A receiver that takes longer than so many milliseconds to take note is tried again. */
    private static final long CALLBACK_TIMEOUT_MILLIS = 30_000;

    /** The kind that sends callbacks; clients cannot name it. */
    private static final String CALLBACK_KIND = "callback";

    private static final JsonMapper MAPPER = JsonMapper.shared();

    Followers {
        then = List.copyOf(then);
    }

    /**
     * Whom to tell.
     *
     * @param url where the message goes
     * @param secretName the secret that signs it, or null for that without a name
     */
    record Callback(String url, @Nullable String secretName) {}

    /** These, and where there are none the others. */
    Followers or(Followers others) {
        return new Followers(then.isEmpty() ? others.then : then, callback == null ? others.callback : callback);
    }

    /** What is said, each field with a text that differs where it does. */
    Map<String, String> said() {
        Map<String, String> said = new TreeMap<>();
        if (!then.isEmpty()) {
            SegmentPacker packer = new SegmentPacker();
            then.forEach(packer::add);
            said.put(
                    Envelope.THEN,
                    Base64.getEncoder().encodeToString(packer.take().data()));
        }
        if (callback != null) {
            said.put(
                    Envelope.CALLBACK,
                    callback.url() + (callback.secretName() == null ? "" : " " + callback.secretName()));
        }
        return said;
    }

    /**
     * The batches to be made when the batch of that id ends.
     *
     * @param ids gives each its id
     */
    List<Continuation> of(String batchId, Supplier<String> ids) {
        List<Continuation> continuations = new ArrayList<>();
        if (!then.isEmpty()) {
            SegmentPacker packer = new SegmentPacker();
            then.forEach(job -> packer.add(job.withInput(begun(job.input(), batchId))));
            continuations.add(new Continuation(ids.get(), packer.take()));
        }
        if (callback != null) {
            continuations.add(message(callback, ids.get(), batchId));
        }
        return continuations;
    }

    @SuppressWarnings("NullAway") // JDK 17 does not show it that the arrays of a job may be null
    private static Continuation message(Callback callback, String id, String batchId) {
        Map<String, Object> input = new LinkedHashMap<>();
        input.put("id", id);
        input.put("url", callback.url());
        if (callback.secretName() != null) {
            input.put("secret_name", callback.secretName());
        }
        SegmentPacker packer = new SegmentPacker();
        packer.add(new Job(
                0,
                CALLBACK_KIND,
                null,
                CALLBACK_TIMEOUT_MILLIS,
                CALLBACK_ATTEMPTS,
                null,
                begun(MAPPER.writeValueAsBytes(input), batchId),
                null));
        return new Continuation(id, packer.take());
    }

    /** The input with the beginning of what is added to it, as a {@link Continuation} wants it. */
    private static byte[] begun(byte @Nullable [] input, String batchId) {
        byte[] object = input == null ? new byte[] {'{', '}'} : input;
        String links = MAPPER.writeValueAsString(BatchView.Links.of(batchId));
        byte[] member = ("\"batch\":{\"id\":\"" + batchId + "\",\"links\":" + links).getBytes(StandardCharsets.UTF_8);
        boolean first = FollowerReader.isEmptyObject(object);
        int kept = object.length - 1;
        byte[] begun = Arrays.copyOf(object, kept + (first ? 0 : 1) + member.length);
        if (!first) {
            begun[kept] = ',';
        }
        System.arraycopy(member, 0, begun, begun.length - member.length, member.length);
        return begun;
    }
}
