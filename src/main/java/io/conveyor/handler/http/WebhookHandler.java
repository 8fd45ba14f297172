package io.conveyor.handler.http;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.conveyor.handler.CallbackSender;
import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobOutput;
import io.conveyor.handler.RawJson;
import io.conveyor.job.CallbackFault;
import io.conveyor.job.JobError;
import io.conveyor.job.JobKind;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/**
 * Tells of the end of a batch by a signed message (Standard Webhooks 1.0, standardwebhooks.com). Sends as the kind {@code http} does, under
 * the same rules on addresses; the body and its {@code webhook-id} are the same at every attempt, time and signature are
 * not. Any 2xx is a delivery; 410 is a receiver that wants no more; all else may pass. Keeps no state of a job, so safe for
 * all threads.
 */
@Component
final class WebhookHandler implements CallbackSender {

    private static final JobKind JOB_KIND = new JobKind(KIND, "Tells of the end of a batch.", "{\"type\": \"object\"}");
    private static final JsonMapper MAPPER = JsonMapper.shared();
    private static final int GONE = 410;

    private final HttpHandler http;
    private final Clock clock;
    private final List<WebhookSecret> unnamed;
    private final Map<String, List<WebhookSecret>> named;

    WebhookHandler(HttpHandler http, CallbackProperties properties, Clock clock) {
        this.http = http;
        this.clock = clock;
        unnamed = properties.unnamed();
        named = properties.named();
    }

    /**
     * What the service makes of a callback.
     *
     * @param id the {@code webhook-id}: one for each message
     * @param batch what there is to be told
     */
    record Input(
            String id,
            String url,
            @JsonProperty("secret_name") @Nullable String secretName,
            RawJson batch) {}

    /** What has come of it. */
    record Output(int status) {}

    @Override
    public JobKind kind() {
        return JOB_KIND;
    }

    @Override
    public Optional<CallbackFault> fault(String url, @Nullable String secretName) {
        Optional<String> ofUrl = urlFault(url);
        if (ofUrl.isPresent()) {
            return Optional.of(new CallbackFault("url", ofUrl.get()));
        }
        if (!secrets(secretName).isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                secretName == null
                        ? new CallbackFault(
                                "",
                                "Callbacks are signed, and this service has no secret to sign with. Its operator must set"
                                        + " conveyor.callback.secret"
                                        + (named.isEmpty() ? "." : "; or name one that it has with secret_name."))
                        : new CallbackFault(
                                "secret_name",
                                "There is no secret of this name. Its operator must set conveyor.callback.secrets.NAME."));
    }

    private static Optional<String> urlFault(String url) {
        try {
            return HttpUrl.fault(new URI(url));
        } catch (URISyntaxException e) {
            return Optional.of("This is not a URL; percent-encode spaces and other special characters.");
        }
    }

    private List<WebhookSecret> secrets(@Nullable String name) {
        return name == null ? unnamed : named.getOrDefault(name, List.of());
    }

    @Override
    public JobOutput handle(JobContext job) throws JobFailure, InterruptedException {
        Input input = job.input(Input.class);
        List<WebhookSecret> secrets = secrets(input.secretName());
        if (secrets.isEmpty()) {
            throw JobFailure.retryable(
                    "The secret that this callback is to be signed with is gone from the configuration of the"
                            + " service. Its operator must set it again.");
        }
        URI uri = HttpUrl.parse(input.url());
        HttpAnswer answer = tell(call(uri, input, secrets), job.remaining());
        if (answer.status() >= 200 && answer.status() < 300) {
            return JobOutput.json(new Output(answer.status()));
        }
        throw refused(uri, answer);
    }

    /** The host with its port, as for {@code http} jobs. */
    @Override
    public String target(JobContext job) throws JobFailure {
        return HttpUrl.target(HttpUrl.parse(job.input(Input.class).url()));
    }

    private HttpCall call(URI uri, Input input, List<WebhookSecret> secrets) {
        long timestamp = clock.instant().getEpochSecond();
        byte[] body = body(input);
        HttpHeaders headers = new HttpHeaders();
        headers.setContentType(MediaType.APPLICATION_JSON);
        headers.set("webhook-id", input.id());
        headers.set("webhook-timestamp", Long.toString(timestamp));
        headers.set(
                "webhook-signature",
                secrets.stream()
                        .map(secret -> secret.sign(input.id(), timestamp, body))
                        .collect(Collectors.joining(" ")));
        return new HttpCall(HttpMethod.POST, uri, headers, body);
    }

    /** The same at every attempt: it is made of what the job has, and the time in it is that of the event. */
    private static byte[] body(Input input) {
        String batch = input.batch().text();
        String endedAt = MAPPER.readTree(batch).path("ended_at").asString();
        return ("{\"type\":\"batch.ended\",\"timestamp\":\"" + endedAt + "\",\"data\":" + batch + "}")
                .getBytes(StandardCharsets.UTF_8);
    }

    /** Whatever keeps the message from its receiver may pass, a certificate that has expired as well; but not where it may not go. */
    private HttpAnswer tell(HttpCall call, Duration limit) throws JobFailure, InterruptedException {
        try {
            return http.tell(call, limit);
        } catch (JobFailure e) {
            JobError error = e.error();
            boolean known = error.retryable()
                    || error.slug().equals(JobError.invalid("").slug());
            throw known ? e : JobFailure.retryable(error.detail());
        }
    }

    private static JobFailure refused(URI uri, HttpAnswer answer) {
        String said = HttpUrl.place(uri) + " answered " + answer.status();
        if (answer.status() == GONE) {
            return JobFailure.of(said + " (Gone): it wants no more callbacks.").with("status", GONE);
        }
        JobFailure failure = JobFailure.retryable(said + ", which does not acknowledge the callback; any 2xx would.")
                .with("status", answer.status());
        Optional<Duration> after = RetryAfter.parse(answer.headers().get("retry-after"));
        return after.isPresent() ? failure.after(after.get()) : failure;
    }
}
