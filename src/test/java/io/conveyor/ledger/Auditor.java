package io.conveyor.ledger;

import io.conveyor.ledger.Books.Deed;
import io.conveyor.ledger.Books.Stored;
import io.conveyor.ledger.Calls.Reply;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Reads everything that there is when all has come to rest. One thread. */
final class Auditor {

    /** When nobody disturbs, a batch ends in this time, and another one in the next, or those that are left never do. */
    private static final Duration REST = Duration.ofSeconds(90);

    private final Calls calls;

    Auditor(Calls calls) {
        this.calls = calls;
    }

    List<Stored> audit() throws InterruptedException {
        for (Deed deed : calls.book().deeds()) {
            if (deed.what() == Deed.What.PAUSE) {
                Deed resume = calls.book().asking(Deed.What.RESUME, deed.id());
                calls.book().done(resume, calls.ask("POST", "/v1/batches/" + deed.id() + "/resume", ""), "");
            }
        }
        long deadline = System.nanoTime() + REST.toNanos();
        Set<String> ended = new HashSet<>();
        List<String> ids = listed();
        while (ended.size() < ids.size() && System.nanoTime() - deadline < 0) {
            for (String id : ids) {
                boolean inTime = System.nanoTime() - deadline < 0;
                if (inTime && !ended.contains(id) && hasEnded(id)) {
                    ended.add(id);
                    deadline = System.nanoTime() + REST.toNanos();
                }
            }
            ids = listed(); // the end of one may be the begin of another
        }
        List<Stored> stored = new ArrayList<>();
        for (String id : ids) {
            stored.add(read(id));
        }
        return stored;
    }

    private boolean hasEnded(String id) throws InterruptedException {
        Reply reply = expect(calls.get("/v1/batches/" + id + "?wait=2"));
        return reply.json().get("state").asString().equals("ended");
    }

    private List<String> listed() throws InterruptedException {
        List<String> ids = new ArrayList<>();
        String path = "/v1/batches?limit=1000";
        while (path != null) {
            JsonNode page = expect(calls.get(path)).json();
            page.get("items").forEach(batch -> ids.add(batch.get("id").asString()));
            path = page.has("next") ? page.get("next").asString() : null;
        }
        return ids;
    }

    private Stored read(String id) throws InterruptedException {
        JsonNode batch = expect(calls.get("/v1/batches/" + id)).json();
        boolean retry = batch.has("retry_of");
        return new Stored(
                id,
                batch.path("name").asString(""),
                batch.get("state").asString().equals("ended"),
                retry
                        ? batch.get("retry_of").asString()
                        : batch.path("continuation_of").asString(""),
                retry,
                ClientBook.counts(batch),
                batch.path("outcome").asString(""),
                batch.toString(),
                lines("/v1/batches/" + id + "/results"),
                lines("/v1/batches/" + id + "/results?order=completion"));
    }

    private List<String> lines(String path) throws InterruptedException {
        return expect(calls.get(path)).body().lines().toList();
    }

    private static Reply expect(Reply reply) {
        if (reply.status() != 200) {
            throw new AssertionError("At rest, and yet: " + reply);
        }
        return reply;
    }
}
