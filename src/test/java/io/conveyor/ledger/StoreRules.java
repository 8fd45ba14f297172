package io.conveyor.ledger;

import io.conveyor.ledger.Books.Answer;
import io.conveyor.ledger.Books.Deed;
import io.conveyor.ledger.Books.Stored;
import io.conveyor.ledger.Books.View;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** What was answered for is there, as a whole, once; and nothing else is. Has no state. */
final class StoreRules implements Checker.Rule {

    @Override
    public void check(Books books, Complaints complaints) {
        Map<String, Stored> stored = books.stored().stream().collect(Collectors.toMap(Stored::id, batch -> batch));
        acknowledged(books, stored, complaints);
        refused(books, complaints);
        deleted(books, stored.keySet(), complaints);
        oneEach(books, complaints);
        books.stored().stream()
                .filter(batch -> batch.origin().isEmpty())
                .forEach(batch -> whole(batch, books, complaints));
    }

    private static void acknowledged(Books books, Map<String, Stored> stored, Complaints complaints) {
        Set<String> maybeGone = books.idsOf(Deed.What.DELETE);
        for (Answer answer : books.answers()) {
            Stored batch = stored.get(answer.id());
            if (!answer.accepted() || (batch == null && maybeGone.contains(answer.id()))) {
                continue;
            }
            complaints.unless(batch != null, "acknowledged-is-lost", answer);
            complaints.unless(batch == null || batch.ended(), "never-ends", batch);
        }
    }

    private static void refused(Books books, Complaints complaints) {
        Map<String, List<Answer>> byKey = books.answers().stream().collect(Collectors.groupingBy(Answer::key));
        Set<String> names = books.stored().stream().map(Stored::name).collect(Collectors.toSet());
        byKey.forEach((key, answers) -> complaints.unless(
                !answers.stream().allMatch(Answer::refused) || !names.contains(key), "refused-is-stored", answers));
    }

    private static void deleted(Books books, Set<String> stored, Complaints complaints) {
        Map<String, Long> gone = new HashMap<>();
        for (Deed deed : books.deeds()) {
            if (deed.what() == Deed.What.DELETE && deed.status() == 204) {
                gone.put(deed.id(), deed.answeredAt());
                complaints.unless(!stored.contains(deed.id()), "deleted-is-there", deed);
            }
        }
        for (View view : books.views()) {
            complaints.unless(view.sentAt() <= gone.getOrDefault(view.id(), Long.MAX_VALUE), "deleted-is-there", view);
        }
    }

    private static void oneEach(Books books, Complaints complaints) {
        Map<String, Set<String>> ids = new HashMap<>();
        books.answers().stream()
                .filter(Answer::accepted)
                .forEach(answer -> ids.computeIfAbsent(answer.key(), key -> new HashSet<>())
                        .add(answer.id()));
        books.stored().stream()
                .filter(batch -> batch.origin().isEmpty())
                .forEach(batch -> ids.computeIfAbsent(batch.name(), key -> new HashSet<>())
                        .add(batch.id()));
        ids.forEach((key, all) -> complaints.unless(all.size() == 1, "two-batches-of-a-key", key, all));
    }

    private static void whole(Stored batch, Books books, Complaints complaints) {
        Plan plan = books.plans().get(batch.name());
        if (plan == null) {
            complaints.add("nobody-sent-it", batch.text());
            return;
        }
        boolean part = plan.form() == Plan.Form.LIVE && batch.outcome().equals("incomplete");
        boolean acknowledged = books.keysById().containsKey(batch.id());
        int total = batch.counts().total();
        boolean right = part
                ? !acknowledged && total <= plan.jobs().size()
                : total == plan.jobs().size();
        complaints.unless(right, "not-whole", plan.jobs().size(), "jobs were sent:", batch.text());
    }
}
