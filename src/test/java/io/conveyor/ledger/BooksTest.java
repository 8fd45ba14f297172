package io.conveyor.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.ledger.Books.Deed;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Books that are read in the middle of a run. */
final class BooksTest {

    private final ClientBook book = new ClientBook();

    private List<Deed> deeds() {
        return book.with(List.of(), List.of(), List.of(), List.of()).deeds();
    }

    @Test
    void whatWasAskedForIsADeedWithoutAnAnswerUntilItIsAnswered() {
        Deed asking = book.asking(Deed.What.RETRY, "k");
        assertThat(deeds()).singleElement().satisfies(deed -> {
            assertThat(deed.id()).isEqualTo("k");
            assertThat(deed.done()).isFalse();
        });

        book.done(asking, new Calls.Reply(202, "{}", asking.sentAt(), Moment.now()), "r");

        assertThat(deeds()).singleElement().satisfies(deed -> {
            assertThat(deed.done()).isTrue();
            assertThat(deed.detail()).isEqualTo("r");
        });
        assertThat(book.ids()).containsExactly("r");
    }

    @Test
    void aRetryOnItsWayMayStartJobsThatHadAnOutcome() {
        ForgedBooks books = new ForgedBooks();
        books.stored.clear();
        books.starts.add(new Books.Start(ForgedBooks.ID, 1, ForgedBooks.at(9), ForgedBooks.at(10)));
        assertThat(Checker.check(books.books()).found()).containsKey("started-after-its-outcome");

        books.deeds.add(book.asking(Deed.What.RETRY, ForgedBooks.ID));

        assertThat(Checker.check(books.books()).found()).isEmpty();
    }

    @Test
    void complaintsOfEveryLookAreKeptOnce() {
        Complaints all = new Complaints();
        Complaints first = new Complaints();
        first.add("rule", "one");
        all.addAll(first);
        all.addAll(first);
        all.addAll(new Complaints());
        first.add("rule", "two");
        all.addAll(first);

        assertThat(all.found()).containsOnlyKeys("rule");
        assertThat(all.found().get("rule")).containsExactly("one", "two");
    }
}
