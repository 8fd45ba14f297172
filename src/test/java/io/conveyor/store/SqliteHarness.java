package io.conveyor.store;

import static io.conveyor.store.Batches.batch;
import static io.conveyor.store.Batches.segments;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Stores on files of SQLite, all of which are closed at the end. */
final class SqliteHarness implements StoreHarness {

    private static final AtomicInteger COPIES = new AtomicInteger();

    private final AtomicLong now = new AtomicLong(4_000_000);
    private final AtomicLong passed = new AtomicLong();
    private final Clock clock = new SetClock();
    private final List<SqliteStores> opened = new ArrayList<>();

    @Override
    public BatchStore openEmpty() {
        return open(SqliteStores.fresh("sqlite-contract")).store;
    }

    @Override
    public BatchStore afterCrash() {
        return open(SqliteStores.crashCopy(current().file.path(), "sqlite-crash-" + COPIES.incrementAndGet())).store;
    }

    @Override
    public void setTime(long millis) {
        now.set(millis);
    }

    @Override
    public void pass(long millis) {
        passed.addAndGet(TimeUnit.MILLISECONDS.toNanos(millis));
    }

    /** The keeper looks for expired batches whenever it is woken, before it sweeps. */
    @Override
    public void keep() {
        rowsAfterSweep();
    }

    @Override
    public long rowsAfterSweep() {
        SqliteStores stores = current();
        BatchRef marker = batch(stores.store, "marker", 2).ref();
        stores.store.spill(marker, List.of(segments(0, 1, 256).get(0))).await();
        stores.store.abandon(marker);
        Batches.until(() -> stores.count("unowned") == 0); // the marker goes last: the oldest is swept first
        return stores.count("segment")
                + stores.count("segment_input")
                + stores.count("outcome_block")
                + stores.count("attempt");
    }

    @Override
    public Runnable occupyWriter() {
        CountDownLatch occupied = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        StoreListener plug = new StoreListener() {
            @Override
            public void committed(int writes, long nanos) {
                occupied.countDown();
                await(release);
            }
        };
        BatchStore store = current().store;
        store.listen(plug);
        Thread caller = new Thread(() -> store.renewEpoch(new BatchRef("nobody", 0, "")));
        caller.start();
        await(occupied);
        return release::countDown;
    }

    @Override
    public void close() {
        opened.forEach(SqliteStores::close);
    }

    /** Closes the current one, which commits what is in hand, and opens another on its file. */
    BatchStore reopen() {
        SqliteStores before = current();
        before.close();
        opened.remove(before);
        return open(before.file.path()).store;
    }

    /** Opens one on that file, which is the current one from now on. */
    SqliteStores open(Path path) {
        SqliteStores stores = SqliteStores.open(path, clock, passed::get);
        opened.add(stores);
        return stores;
    }

    SqliteStores current() {
        return opened.get(opened.size() - 1);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private final class SetClock extends Clock {

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return Instant.ofEpochMilli(now.get());
        }
    }
}
