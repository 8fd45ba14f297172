package io.conveyor.ledger;

import io.conveyor.ledger.Books.Deed;
import io.conveyor.ledger.Books.Deed.What;
import io.conveyor.ledger.Calls.Reply;
import java.util.SplittableRandom;
import tools.jackson.databind.JsonNode;

/** Cancels, pauses, resumes, deletes and retries batches. One thread. */
final class Meddler implements Clients.Turn {

    private final Calls calls;
    private final SplittableRandom random;

    // Mutable state
    private String paused = "";
    private int retries;

    Meddler(Calls calls, SplittableRandom random) {
        this.calls = calls;
        this.random = random;
    }

    @Override
    public void take() throws InterruptedException {
        String id = calls.book().someId(random);
        if (id.isEmpty() || !calls.up() || calls.book().maybeDeleted(id)) {
            return;
        }
        switch (random.nextInt(8)) {
            case 0, 1 -> deed(What.CANCEL, "POST", id, "/cancel");
            case 2, 3 -> pause(id);
            case 4, 5 -> retry(id);
            case 6 -> delete(id, "");
            default -> delete(id, random.nextInt(4) == 0 ? "?force=true" : "");
        }
    }

    private void deed(What what, String method, String id, String path) throws InterruptedException {
        Deed deed = calls.book().asking(what, id);
        Reply reply = calls.ask(method, "/v1/batches/" + id + path, "");
        calls.book().done(deed, reply, "");
        if (reply.status() == 200 || reply.status() == 202) {
            calls.view(reply);
        }
    }

    /** One batch at a time, and never for long. */
    private void pause(String id) throws InterruptedException {
        if (paused.isEmpty()) {
            paused = id;
            deed(What.PAUSE, "POST", id, "/pause");
        } else {
            deed(What.RESUME, "POST", paused, "/resume");
            paused = "";
        }
    }

    /** Not what came by PUT: who repeats that after the deletion makes another batch of the same id. */
    private void delete(String id, String query) throws InterruptedException {
        if (calls.book().cameByPut(id)) {
            return;
        }
        calls.book().deleting(id);
        deed(What.DELETE, "DELETE", id, query);
    }

    private void retry(String id) throws InterruptedException {
        String key = "retry-" + ++retries;
        for (int times = 0; times < 2; times++) {
            Deed deed = calls.book().asking(What.RETRY, id);
            Reply reply = calls.ask("POST", "/v1/batches/" + id + "/retry", "", "Idempotency-Key", key);
            if (reply.status() / 100 == 2) {
                JsonNode batch = reply.json();
                String made = batch.get("id").asString();
                calls.book().done(deed, reply, made);
                calls.view(reply);
            } else {
                calls.book().done(deed, reply, key);
                return;
            }
        }
    }
}
