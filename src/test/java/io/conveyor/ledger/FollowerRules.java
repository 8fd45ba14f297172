package io.conveyor.ledger;

import io.conveyor.ledger.Books.Deed;
import io.conveyor.ledger.Books.Stored;
import io.conveyor.service.ServiceProcess;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** What comes of a batch comes once: the one that follows it, and one for each retry that was asked for. Has no state. */
final class FollowerRules implements Checker.Rule {

    @Override
    public void check(Books books, Complaints complaints) {
        Map<String, List<Stored>> followers = books.stored().stream()
                .filter(batch -> !batch.origin().isEmpty() && !batch.retry())
                .collect(Collectors.groupingBy(Stored::origin));
        followers.forEach((id, all) -> complaints.unless(all.size() == 1, "two-followers", id, all));
        for (Stored batch : books.stored()) {
            Plan plan = books.plans().get(batch.name());
            if (batch.origin().isEmpty()
                    && batch.ended()
                    && plan != null
                    && plan.options().followed()) {
                List<Stored> all = followers.getOrDefault(batch.id(), List.of());
                complaints.unless(!all.isEmpty(), "no-follower", batch.text());
                all.forEach(follower -> told(follower, batch, complaints));
            }
        }
        retries(books, complaints);
    }

    private static void told(Stored follower, Stored batch, Complaints complaints) {
        boolean right = follower.inputOrder().size() == 1;
        if (right) {
            JsonNode output =
                    ServiceProcess.JSON.readTree(follower.inputOrder().get(0)).path("output");
            right = output.path("after").asBoolean(false)
                    && output.at("/batch/id").asString("").equals(batch.id())
                    && output.at("/batch/outcome").asString("").equals(batch.outcome())
                    && ClientBook.counts(output.path("batch")).equals(batch.counts());
        }
        complaints.unless(right, "follower-was-told-wrong", follower.inputOrder(), "after", batch.text());
    }

    private static void retries(Books books, Complaints complaints) {
        Map<String, List<Stored>> stored =
                books.stored().stream().filter(Stored::retry).collect(Collectors.groupingBy(Stored::origin));
        Map<String, Set<String>> asked = books.deeds().stream()
                .filter(deed -> deed.what() == Deed.What.RETRY && (deed.done() || deed.status() == 0))
                .collect(Collectors.groupingBy(Deed::id, Collectors.mapping(Deed::detail, Collectors.toSet())));
        stored.forEach((id, all) -> complaints.unless(
                all.size() <= asked.getOrDefault(id, Set.of()).size(), "retry-that-nobody-asked-for", id, all));
        List<String> ids = books.stored().stream().map(Stored::id).toList();
        for (Deed deed : books.deeds()) {
            if (deed.what() == Deed.What.RETRY && deed.done()) {
                boolean maybeGone = books.idsOf(Deed.What.DELETE).contains(deed.detail());
                complaints.unless(
                        maybeGone || ids.contains(deed.detail()), "acknowledged-is-lost", "the retry of", deed);
            }
        }
    }
}
