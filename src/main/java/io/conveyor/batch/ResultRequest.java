package io.conveyor.batch;

import io.conveyor.batch.ResultQuery.Order;
import io.conveyor.batch.ResultStreams.Format;
import io.conveyor.web.ApiException;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.web.util.UriComponentsBuilder;

/**
 * What a request for results says, checked.
 *
 * @param query which results
 * @param stateText the states as the client wrote them, for the path of the next page
 * @param resumed whether the client goes on with events that it had begun to read
 */
record ResultRequest(ResultQuery query, @Nullable String stateText, boolean resumed) {

    static final int MAX_PAGE = 10_000;
    static final int DEFAULT_PAGE = 1000;
    private static final String LAST_EVENT_ID = "last_event_id";

    static ResultRequest of(HttpServletRequest request, Format format) {
        boolean events = format == Format.EVENTS;
        boolean page = format == Format.JSON;
        Order order = Parameters.order(request.getParameter("order"), events ? Order.COMPLETION : Order.INPUT);
        String lastEventId = lastEventId(request, events && order == Order.COMPLETION);
        String state = request.getParameter("state");
        int most = page
                ? Parameters.integer("limit", request.getParameter("limit"), 1, MAX_PAGE, DEFAULT_PAGE)
                : Parameters.integer("limit", request.getParameter("limit"), 1, Integer.MAX_VALUE, Integer.MAX_VALUE);
        int afterParameter = after(request, order, page);
        int after = lastEventId == null
                ? afterParameter
                : Parameters.integer(LAST_EVENT_ID, lastEventId, 0, Integer.MAX_VALUE - 1, 0);
        ResultQuery query =
                new ResultQuery(order, Parameters.resultStates(state), after, most, follow(request, format));
        return new ResultRequest(query, state, lastEventId != null);
    }

    /** The header is what a browser sends by itself, so what it says is newer than the parameter. */
    private static @Nullable String lastEventId(HttpServletRequest request, boolean numbered) {
        String parameter = request.getParameter(LAST_EVENT_ID);
        if (parameter != null && !numbered) {
            throw ApiException.invalidParameter(
                    LAST_EVENT_ID, "Only events in the order of completion have ids; use 'after' to go on.");
        }
        Parameters.integer(LAST_EVENT_ID, parameter, 0, Integer.MAX_VALUE - 1, 0);
        String header = request.getHeader("Last-Event-ID");
        return numbered && header != null && !header.isEmpty() ? header : parameter;
    }

    private static boolean follow(HttpServletRequest request, Format format) {
        boolean follow = Parameters.flag("follow", request.getParameter("follow"), format == Format.EVENTS);
        if (follow && format == Format.JSON) {
            throw ApiException.invalidParameter(
                    "follow",
                    "A JSON page is complete when it is sent and follows nothing. Ask with 'Accept: application/x-ndjson'"
                            + " or 'Accept: text/event-stream'.",
                    List.of("false"));
        }
        if (!follow && format == Format.EVENTS) {
            throw ApiException.invalidParameter(
                    "follow",
                    "Events always follow the batch to its end. Ask with 'Accept: application/x-ndjson' for what is there"
                            + " now.",
                    List.of("true"));
        }
        return follow;
    }

    private static int after(HttpServletRequest request, Order order, boolean page) {
        String after = request.getParameter("after");
        String cursor = request.getParameter("cursor");
        if (cursor == null) {
            return Parameters.integer("after", after, 0, Integer.MAX_VALUE - 1, order.start());
        }
        if (!page || after != null) {
            throw ApiException.invalidParameter(
                    "cursor", "A cursor goes with JSON pages only, and not with 'after'; use one of them.");
        }
        return (int) Math.min(Parameters.place(cursor, 0), Integer.MAX_VALUE - 1);
    }

    /** The end of a page. */
    byte[] tail(String id, ResultCursor cursor, boolean complete) {
        // At the limit it is not known yet whether that was the last.
        int last = cursor.place();
        if (complete || !cursor.advance()) {
            return ResultSource.ascii("]}");
        }
        String next = Parameters.cursor(last);
        UriComponentsBuilder uri = UriComponentsBuilder.fromPath(BatchController.PATH)
                .pathSegment(id, "results")
                .queryParam("limit", query.limit())
                .queryParam("cursor", next)
                .queryParamIfPresent("state", Optional.ofNullable(stateText));
        if (query.order() != Order.INPUT) {
            uri.queryParam("order", query.order().wireName());
        }
        return ResultSource.ascii("],\"next_cursor\":\"" + next + "\",\"next\":\"" + uri.toUriString() + "\"}");
    }
}
