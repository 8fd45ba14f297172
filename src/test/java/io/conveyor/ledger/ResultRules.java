package io.conveyor.ledger;

import io.conveyor.ledger.Books.Counts;
import io.conveyor.ledger.Books.Deed;
import io.conveyor.ledger.Books.End;
import io.conveyor.ledger.Books.Line;
import io.conveyor.ledger.Books.Start;
import io.conveyor.ledger.Books.Stored;
import io.conveyor.ledger.Books.View;
import io.conveyor.service.ServiceProcess;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/** N jobs, N results, each the right one, and the one that clients have read before. Has no state. */
final class ResultRules implements Checker.Rule {

    private static final String ABANDONED = "\"/problems/job-abandoned\"";

    @Override
    public void check(Books books, Complaints complaints) {
        Joined joined = new Joined(books);
        for (Stored batch : books.stored()) {
            Plan plan = books.plans().get(batch.name());
            if (plan == null || !batch.ended()) {
                continue;
            }
            List<JsonNode> results = batch.inputOrder().stream()
                    .map(ServiceProcess.JSON::readTree)
                    .toList();
            complete(batch, plan, results, complaints);
            bothOrders(batch, complaints);
            counted(batch, results, complaints);
            if (batch.origin().isEmpty() || batch.retry()) {
                for (int place = 0; place < results.size(); place++) {
                    right(batch, plan, results.get(place), batch.inputOrder().get(place), joined, complaints);
                }
            }
            unchanged(batch, results, joined, complaints);
        }
    }

    /** What other books say, by batch or by job. */
    private static final class Joined {

        private final Map<String, String> linesRead = new HashMap<>();
        private final Map<String, String> endsRead = new HashMap<>();
        private final Set<String> started = new HashSet<>();
        private final Set<String> cancelled;
        private final Crashes crashes;

        Joined(Books books) {
            crashes = new Crashes(books);
            for (Line line : books.lines()) {
                linesRead.putIfAbsent(line.id() + " " + line.index(), line.text());
            }
            books.views().stream().filter(View::ended).forEach(view -> endsRead.putIfAbsent(view.id(), view.text()));
            for (End end : books.ends()) {
                endsRead.putIfAbsent(end.id(), end.text());
            }
            for (Start start : books.starts()) {
                started.add(start.key() + " " + start.index());
            }
            cancelled = new HashSet<>(books.idsOf(Deed.What.CANCEL));
            cancelled.addAll(books.idsOf(Deed.What.DELETE));
        }
    }

    private static void complete(Stored batch, Plan plan, List<JsonNode> results, Complaints complaints) {
        List<Integer> indexes =
                results.stream().map(result -> result.get("index").asInt()).toList();
        boolean ascending = indexes.equals(indexes.stream().distinct().sorted().toList());
        boolean all = batch.retry() ? indexes.size() == batch.counts().total() : indexes.equals(upTo(0, batch));
        complaints.unless(ascending && all, "not-n-results", batch.text(), indexes);
        boolean known = indexes.stream().allMatch(index -> index < plan.jobs().size());
        complaints.unless(known, "not-n-results", batch.text(), "has more than was sent:", indexes);
    }

    private static List<Integer> upTo(int first, Stored batch) {
        return IntStream.range(first, first + batch.counts().total()).boxed().toList();
    }

    private static void bothOrders(Stored batch, Complaints complaints) {
        List<Integer> seqs = new ArrayList<>();
        batch.completionOrder()
                .forEach(line ->
                        seqs.add(ServiceProcess.JSON.readTree(line).get("seq").asInt()));
        complaints.unless(seqs.equals(upTo(1, batch)), "seq-has-gaps", batch.id(), seqs);
        complaints.unless(
                new HashSet<>(batch.completionOrder()).equals(new HashSet<>(batch.inputOrder())),
                "orders-differ",
                batch.id());
    }

    private static void counted(Stored batch, List<JsonNode> results, Complaints complaints) {
        Map<String, Long> states = results.stream()
                .collect(Collectors.groupingBy(result -> result.get("state").asString(), Collectors.counting()));
        Counts counts = batch.counts();
        Map<String, Long> said = new HashMap<>();
        said.put("succeeded", (long) counts.succeeded());
        said.put("failed", (long) counts.failed());
        said.put("cancelled", (long) counts.cancelled());
        said.put("expired", (long) counts.expired());
        said.values().removeIf(count -> count == 0);
        complaints.unless(said.equals(states), "counts-are-wrong", batch.id(), said, "of", states);
    }

    private static void right(
            Stored batch, Plan plan, JsonNode result, String line, Joined joined, Complaints complaints) {
        int index = result.get("index").asInt();
        if (index >= plan.jobs().size()) {
            return;
        }
        PlannedJob job = plan.jobs().get(index);
        if (line.contains(ABANDONED)) {
            complaints.unless(
                    joined.crashes.mayAbandon(plan, index), "abandoned-without-three-kills", batch.id(), line);
            return;
        }
        boolean state = switch (result.get("state").asString()) {
            case "succeeded" -> job.sort().maySucceed() && line.contains(job.expected());
            case "failed" ->
                job.sort().mayFail() && (job.sort().maySucceed() || line.contains("/" + job.expected() + "\""));
            case "cancelled" -> plan.options().tolerate() >= 0 || joined.cancelled.contains(batch.id());
            case "expired" -> plan.options().deadlineMillis() > 0;
            default -> false;
        };
        complaints.unless(state, "wrong-result", batch.id(), line, "for", job);
        int attempts = result.path("attempts").asInt(0);
        complaints.unless(attempts <= Math.max(1, plan.options().maxAttempts()), "too-many-attempts", batch.id(), line);
        boolean succeeded = result.get("state").asString().equals("succeeded");
        complaints.unless(
                !succeeded || !job.sort().targeted || joined.started.contains(plan.key() + " " + index),
                "succeeded-without-a-start",
                batch.id(),
                line);
    }

    private static void unchanged(Stored batch, List<JsonNode> results, Joined joined, Complaints complaints) {
        for (int place = 0; place < results.size(); place++) {
            String before = joined.linesRead.get(
                    batch.id() + " " + results.get(place).get("index").asInt());
            String line = batch.inputOrder().get(place);
            complaints.unless(
                    before == null || before.equals(line), "outcome-changed", "first", before, ", at last", line);
        }
        String end = joined.endsRead.get(batch.id());
        complaints.unless(
                end == null || end.equals(batch.text()), "end-changed", "first", end, ", at last", batch.text());
    }
}
