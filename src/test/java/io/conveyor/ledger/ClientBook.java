package io.conveyor.ledger;

import io.conveyor.ledger.Books.Answer;
import io.conveyor.ledger.Books.Counts;
import io.conveyor.ledger.Books.Deed;
import io.conveyor.ledger.Books.End;
import io.conveyor.ledger.Books.Line;
import io.conveyor.ledger.Books.View;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import tools.jackson.databind.JsonNode;

/** What all clients asked and were told. Thread-safe. */
final class ClientBook {

    private final ConcurrentMap<String, Plan> plans = new ConcurrentHashMap<>();
    private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();
    private final ConcurrentMap<String, String> firstLines = new ConcurrentHashMap<>();
    private final Queue<Line> lines = new ConcurrentLinkedQueue<>();
    private final Queue<View> views = new ConcurrentLinkedQueue<>();
    private final Queue<End> ends = new ConcurrentLinkedQueue<>();
    private final Queue<Deed> deeds = new ConcurrentLinkedQueue<>();
    /** Deeds that were asked for and not answered yet; in the books, too, as without an answer. */
    private final Set<Deed> asked = ConcurrentHashMap.newKeySet();
    /** Ids of batches that were accepted, the retries among them, as they came. */
    private final List<String> ids = new CopyOnWriteArrayList<>();
    /** Ids of batches that a client has deleted, or tried to. */
    private final ConcurrentMap<String, Boolean> deleted = new ConcurrentHashMap<>();

    void planned(Plan plan) {
        plans.put(plan.key(), plan);
    }

    void answered(Answer answer) {
        answers.add(answer);
        if (answer.accepted()) {
            accepted(answer.id());
        }
    }

    private void accepted(String id) {
        if (!ids.contains(id)) {
            ids.add(id);
        }
    }

    void line(String id, int index, String text) {
        String before = firstLines.putIfAbsent(id + " " + index, text);
        if (!text.equals(before)) {
            lines.add(new Line(id, index, Moment.now(), text));
        }
    }

    /** A batch that a client has read; what follows from the passing of time is left out. */
    void view(long sentAt, JsonNode batch) {
        String state = batch.get("state").asString();
        String text = state.equals("ended") ? batch.toString() : "";
        views.add(new View(batch.get("id").asString(), sentAt, Moment.now(), state, counts(batch), text));
    }

    static Counts counts(JsonNode batch) {
        JsonNode counts = batch.get("counts");
        return new Counts(
                counts.path("total").asInt(-1),
                counts.get("pending").asInt(),
                counts.get("running").asInt(),
                counts.get("succeeded").asInt(),
                counts.get("failed").asInt(),
                counts.get("cancelled").asInt(),
                counts.get("expired").asInt());
    }

    void end(End end) {
        ends.add(end);
    }

    /** Before it is asked for: whoever reads the batch from then on may not find it. */
    void deleting(String id) {
        deleted.put(id, true);
    }

    /** Before it is asked for: the service may act on it long before the client knows. */
    Deed asking(Deed.What what, String id) {
        Deed deed = new Deed(what, id, Moment.now(), Long.MAX_VALUE, 0, "");
        asked.add(deed);
        return deed;
    }

    /** @param detail of the deed */
    void done(Deed asking, Calls.Reply reply, String detail) {
        Deed deed = new Deed(asking.what(), asking.id(), asking.sentAt(), reply.answeredAt(), reply.certain(), detail);
        deeds.add(deed);
        if (deed.what() == Deed.What.RETRY && deed.done()) {
            accepted(deed.detail());
        }
        asked.remove(asking); // last, so that it is in one of the two at any moment
    }

    /** Then the key of the plan is the id of the batch. */
    boolean cameByPut(String id) {
        return plans.containsKey(id);
    }

    boolean maybeDeleted(String id) {
        return deleted.containsKey(id);
    }

    /** One of the batches, rather a late one; nothing before there is one. */
    String someId(SplittableRandom random) {
        List<String> all = ids;
        int count = all.size();
        if (count == 0) {
            return "";
        }
        int back = random.nextInt(3) == 0 ? random.nextInt(count) : random.nextInt(Math.min(count, 40));
        return all.get(count - 1 - back);
    }

    List<String> ids() {
        return List.copyOf(ids);
    }

    List<Deed> deeds() {
        return List.copyOf(deeds);
    }

    int answersSoFar() {
        return answers.size();
    }

    /** What is done goes after what was seen of it: whoever has seen a retry's start finds who asked for it. */
    Books with(List<Books.Start> starts, List<Books.Life> lives, List<Books.Probe> probes, List<Books.Stored> stored) {
        List<Deed> allDeeds = new ArrayList<>(asked);
        allDeeds.addAll(deeds);
        return new Books(
                Map.copyOf(plans),
                List.copyOf(answers),
                List.copyOf(lines),
                List.copyOf(views),
                List.copyOf(ends),
                allDeeds,
                starts,
                lives,
                probes,
                stored);
    }
}
