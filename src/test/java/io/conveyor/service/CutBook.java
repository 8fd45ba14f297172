package io.conveyor.service;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.service.CutLoad.Exchange;
import io.conveyor.service.CutLoad.Matter;
import io.conveyor.service.SystemCalls.Call;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What clients knew at each moment of a recording: their exchanges, with the moments at which the answers left the service.
 * Immutable.
 */
final class CutBook {

    private static final String REQUEST_ID = "\r\nX-Request-Id: ";

    /** Moments of the first and the last byte of an answer. */
    private record Answered(int head, int last) {}

    /** How sure it is that a request was carried out. */
    enum Known {
        /** It had not been sent. */
        NO,
        /** It may have been sent. */
        PERHAPS,
        /** It was answered. */
        YES
    }

    /** What is known of a batch; mutable while it is put together. */
    static final class Claims {
        final BatchPlan plan;
        Known submitted = Known.NO;
        Known cancelled = Known.NO;
        Known deleted = Known.NO;
        /** Lines that were read, by index. */
        final Map<String, String> lines = new TreeMap<>();
        /** The batch as it was read after its end. */
        @Nullable
        String ended;

        Claims(BatchPlan plan) {
            this.plan = plan;
        }
    }

    private final List<Exchange> exchanges;
    private final Map<String, Answered> answers;

    private CutBook(List<Exchange> exchanges, Map<String, Answered> answers) {
        this.exchanges = exchanges;
        this.answers = answers;
    }

    /** Finds the answers in the recording. */
    static CutBook of(List<Exchange> exchanges, List<Call> calls) {
        Map<String, Answered> answers = new HashMap<>();
        Map<String, String> onSocket = new HashMap<>();
        for (Call call : calls) {
            if (!call.path().startsWith(SystemCalls.SOCKET) || call.data().length == 0) {
                continue;
            }
            String request = request(call.data());
            if (request != null) {
                onSocket.put(call.path(), request);
                answers.put(request, new Answered(call.begin(), call.begin()));
            } else if (onSocket.containsKey(call.path())) {
                answers.computeIfPresent(
                        requireNonNull(onSocket.get(call.path())),
                        (id, before) -> new Answered(before.head(), call.begin()));
            }
        }
        assertThat(answers.keySet())
                .as("answers in the recording")
                .containsAll(exchanges.stream().map(Exchange::request).toList());
        return new CutBook(exchanges, Map.copyOf(answers));
    }

    private static @Nullable String request(byte[] data) {
        String text = new String(data, 0, Math.min(data.length, 1024), ISO_8859_1);
        int at = text.indexOf(REQUEST_ID);
        return text.startsWith("HTTP/1.1 ") && at > 0
                ? text.substring(at + REQUEST_ID.length(), text.indexOf('\r', at + REQUEST_ID.length()))
                : null;
    }

    /** Moments at which a submission had just been acknowledged. */
    List<Integer> acknowledgements() {
        return exchanges.stream()
                .filter(exchange -> exchange.matter() == Matter.SUBMIT)
                .map(exchange -> answer(exchange.request()).head())
                .sorted()
                .toList();
    }

    /** The first moment at which a client was answered. */
    int firstAnswer() {
        return acknowledgements().get(0);
    }

    int requests() {
        return exchanges.size();
    }

    private Answered answer(String request) {
        return requireNonNull(answers.get(request));
    }

    /** What clients knew, batch by batch, by id. */
    Map<String, Claims> at(int moment) {
        Map<String, Claims> batches = new LinkedHashMap<>();
        for (Exchange exchange : exchanges) {
            if (exchange.plan() != null) {
                Claims claims = new Claims(exchange.plan());
                claims.submitted =
                        known(exchange, moment, answer(exchange.request()).head());
                batches.put(exchange.id(), claims);
            }
        }
        for (Exchange exchange : exchanges) {
            Claims claims = requireNonNull(batches.get(exchange.id()));
            Known known = known(exchange, moment, answer(exchange.request()).last());
            switch (exchange.matter()) {
                case SUBMIT -> {}
                case CANCEL -> claims.cancelled = known;
                case DELETE -> claims.deleted = known;
                case BATCH -> claims.ended = known == Known.YES ? exchange.body() : null;
                case RESULTS -> {
                    if (known == Known.YES) {
                        exchange.body().lines().forEach(line -> claims.lines.put(index(line), line));
                    }
                }
            }
        }
        return batches;
    }

    private static String index(String line) {
        return ServiceProcess.JSON.readTree(line).get("index").toString();
    }

    private Known known(Exchange exchange, int moment, int answered) {
        if (answered <= moment) {
            return Known.YES;
        }
        String before = exchange.before();
        return before == null || answer(before).head() <= moment ? Known.PERHAPS : Known.NO;
    }

    /** Claims of an answered submission that were neither deleted, nor may have been. */
    static List<String> mustBeThere(Map<String, Claims> batches) {
        List<String> ids = new ArrayList<>();
        batches.forEach((id, claims) -> {
            if (claims.submitted == Known.YES && claims.deleted == Known.NO) {
                ids.add(id);
            }
        });
        return ids;
    }
}
