package io.conveyor.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RoomTest {

    private final AtomicLong onDisk = new AtomicLong();
    private final AtomicLong inDatabase = new AtomicLong();
    private final AtomicLong nanos = new AtomicLong(-5);
    private final Room room = new Room(onDisk::get, inDatabase::get, 100, nanos::get);

    private boolean leftLater() {
        nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
        return room.left();
    }

    @Test
    void whatIsFreeOnTheDiskAndInTheDatabaseCountsTogether() {
        assertThat(leftLater()).isFalse();
        onDisk.set(100);
        assertThat(leftLater()).isTrue();
        onDisk.set(60);
        inDatabase.set(39);
        assertThat(leftLater()).isFalse();
        inDatabase.set(40);
        assertThat(leftLater()).isTrue();
        onDisk.set(-1000);
        assertThat(leftLater()).isFalse();
    }

    @Test
    void theDiskIsNotLookedAtForEveryRequest() {
        onDisk.set(100);
        assertThat(room.left()).isTrue();
        onDisk.set(0);
        assertThat(room.left()).as("at the same moment").isTrue();
        assertThat(leftLater()).isFalse();
    }

    @Test
    void withoutRoomNewWorkIsRefusedAsForAFullDisk() {
        assertThatThrownBy(room::require)
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.reason()).isEqualTo(StoreException.Reason.FULL));
    }
}
