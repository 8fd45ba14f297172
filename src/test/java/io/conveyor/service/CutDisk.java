package io.conveyor.service;

import io.conveyor.service.SystemCalls.Call;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/**
 * A disk on which a recording is played up to a moment, and which then loses its power. What a flush that has returned
 * covered is there. Of the rest each sector of each file holds any of the contents that it had since, and each name in a
 * directory is there or not: dropped, reordered or torn as a seed says. One thread.
 *
 * <p>The model is stricter than most file systems: names are safe only when their directory has been flushed, and a file
 * may have grown by sectors that read as zeros.
 */
final class CutDisk {

    /** Bytes that a disk writes as a whole or not at all. */
    static final int SECTOR = 512;

    /** Shared memory, not data: SQLite makes it anew from the log. */
    private static final String SHARED_MEMORY = "-shm";

    /** How what was not flushed is treated. */
    enum Loss {
        DROPPED,
        KEPT,
        /** The first changes are there, the others are not. */
        IN_ORDER,
        /** The same, and the first of those that are not there is so in part. */
        TORN,
        /** Any of the changes are there. */
        REORDERED,
        /** Any sectors of any of the changes are there. */
        SCATTERED
    }

    /** A change of a file that no flush has covered: bytes at an offset, or a new size where there are none. */
    private record Change(Call call, long offset, byte[] data, long size) {}

    /** What stands behind a name; a directory has no content. */
    private static final class Node {
        final boolean directory;
        byte[] durable = {};
        List<Change> changes = new ArrayList<>();

        Node(boolean directory) {
            this.directory = directory;
        }
    }

    /** A name: what a flush of its directory left behind it, and what it was given since; null is nothing. */
    private static final class Entry {
        Node durable;
        final List<Node> since = new ArrayList<>();

        Node now() {
            return since.isEmpty() ? durable : since.get(since.size() - 1);
        }
    }

    private final Path root;
    private final Predicate<String> flushes;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<Call, Integer> covered = new HashMap<>();

    /** @param flushes whether a flush of this file does what it says; what a disk lies about it drops */
    CutDisk(Path root, Predicate<String> flushes) {
        this.root = root;
        this.flushes = flushes;
    }

    /** Plays all that had begun at that moment. */
    void play(List<Call> calls, int moment) {
        // Begins and ends in one order: a flush covers what had ended when it began.
        List<Runnable> steps = new ArrayList<>();
        List<Integer> moments = new ArrayList<>();
        for (Call call : calls) {
            if (call.path().startsWith(SystemCalls.SOCKET) || call.path().endsWith(SHARED_MEMORY)) {
                continue;
            }
            if (call.begin() <= moment) {
                moments.add(call.begin());
                steps.add(() -> begin(call));
            }
            if (call.end() <= moment && call.succeeded()) {
                moments.add(call.end());
                steps.add(() -> end(call));
            }
        }
        Integer[] order = new Integer[steps.size()];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, (a, b) -> Integer.compare(moments.get(a), moments.get(b)));
        for (int i : order) {
            steps.get(i).run();
        }
    }

    private void begin(Call call) {
        switch (call.name()) {
            case "pwrite64" -> change(call, call.number(-1), call.data(), -1);
            case "ftruncate" -> change(call, 0, new byte[0], call.number(-1));
            case "fsync", "fdatasync" -> {
                Node node = file(call);
                covered.put(call, node == null ? 0 : node.changes.size());
            }
            case "openat", "open", "mkdir", "unlink" -> {}
            default ->
                throw new IllegalStateException(
                        "The model of the disk does not know " + call.name() + " of " + call.path());
        }
    }

    private void change(Call call, long offset, byte[] data, long size) {
        Node node = file(call);
        if (node != null) {
            node.changes.add(new Change(call, offset, data, size));
        }
    }

    /** The file of a descriptor; null if it has no name any more, so that nobody can find it. */
    private Node file(Call call) {
        Entry entry = entries.get(call.path());
        return entry == null ? null : entry.now();
    }

    private void end(Call call) {
        switch (call.name()) {
            case "fsync", "fdatasync" -> flush(call);
            case "openat", "open" -> {
                Entry entry = entries.computeIfAbsent(call.path(), path -> new Entry());
                if (entry.now() == null && call.arguments().contains("O_CREAT")) {
                    entry.since.add(new Node(false));
                }
                if (call.arguments().contains("O_TRUNC")) {
                    throw new IllegalStateException("The model of the disk does not know O_TRUNC of " + call.path());
                }
            }
            case "mkdir" ->
                entries.computeIfAbsent(call.path(), path -> new Entry()).since.add(new Node(true));
            case "unlink" ->
                entries.computeIfAbsent(call.path(), path -> new Entry()).since.add(null);
            default -> {}
        }
    }

    private void flush(Call call) {
        if (!flushes.test(call.path())) {
            return;
        }
        for (Map.Entry<String, Entry> name : entries.entrySet()) {
            if (call.path().equals(parent(name.getKey()))) {
                name.getValue().durable = name.getValue().now();
                name.getValue().since.clear();
            }
        }
        Node node = file(call);
        if (node != null && !node.directory) {
            int count = covered.get(call);
            for (Change change : node.changes.subList(0, count)) {
                node.durable = apply(node.durable, change);
            }
            node.changes = new ArrayList<>(node.changes.subList(count, node.changes.size()));
        }
    }

    private static String parent(String path) {
        return path.substring(0, path.lastIndexOf('/'));
    }

    private static byte[] apply(byte[] content, Change change) {
        if (change.size() >= 0) {
            return Arrays.copyOf(content, Math.toIntExact(change.size()));
        }
        int offset = Math.toIntExact(change.offset());
        byte[] data = change.data();
        byte[] grown = content.length < offset + data.length ? Arrays.copyOf(content, offset + data.length) : content;
        System.arraycopy(data, 0, grown, offset, data.length);
        return grown;
    }

    /** Writes what is left below another directory; says for each file how its losses fell. */
    String leave(Path target, SplittableRandom random) throws IOException {
        StringBuilder said = new StringBuilder();
        for (Map.Entry<String, Entry> name : entries.entrySet()) {
            Node node = left(name.getValue(), random);
            Path place = target.resolve(root.relativize(Path.of(name.getKey())));
            // The draw is made in any case, so that the same seed gives the same cut.
            Loss drawn = Loss.values()[random.nextInt(Loss.values().length)];
            Loss loss = flushes.test(name.getKey()) ? drawn : Loss.DROPPED;
            SplittableRandom own = random.split();
            if (node == null || !Files.isDirectory(place.getParent())) {
                continue;
            }
            if (node.directory) {
                Files.createDirectory(place);
            } else {
                Files.write(place, new Remains(node, loss, own).content());
                said.append(place.getFileName()).append(' ').append(node.changes.size());
                said.append(" unflushed ")
                        .append(node.changes.isEmpty() ? "" : loss)
                        .append("; ");
            }
        }
        return said.toString();
    }

    private static Node left(Entry entry, SplittableRandom random) {
        int choice = random.nextInt(entry.since.size() + 1);
        return choice == 0 ? entry.durable : entry.since.get(choice - 1);
    }

    /** What a file holds after the cut. */
    private static final class Remains {

        private final Node node;
        private final Loss loss;
        private final SplittableRandom random;
        private final int first;
        private final int odds;

        // Mutable state: contents of the file in memory, and on the disk
        private byte[] memory;
        private byte[] disk;

        Remains(Node node, Loss loss, SplittableRandom random) {
            this.node = node;
            this.loss = loss;
            this.random = random;
            first = random.nextInt(node.changes.size() + 1);
            odds = 1 + random.nextInt(99);
            memory = node.durable.clone();
            disk = node.durable.clone();
        }

        byte[] content() {
            for (int number = 0; number < node.changes.size(); number++) {
                Change change = node.changes.get(number);
                int before = memory.length;
                memory = apply(memory, change);
                boolean cut = change.size() >= 0;
                int from = Math.toIntExact(cut ? Math.min(before, change.size()) : change.offset());
                int to = cut ? before : from + change.data().length;
                keep(number, from, to);
            }
            return disk;
        }

        /** Carries the sectors from one offset to another over, or some, or none. */
        private void keep(int number, int from, int to) {
            boolean whole = random.nextInt(100) < odds;
            int border = from / SECTOR + random.nextInt(Math.max(1, (to - from) / SECTOR + 1));
            int start = from;
            boolean kept = false;
            while (start < to) {
                int end = Math.min(to, (start / SECTOR + 1) * SECTOR);
                boolean there = switch (loss) {
                    case DROPPED -> false;
                    case KEPT -> true;
                    case IN_ORDER -> number < first;
                    case TORN -> number < first || (number == first && start / SECTOR < border);
                    case REORDERED -> whole;
                    case SCATTERED -> random.nextInt(100) < odds;
                };
                if (there) {
                    carry(start / SECTOR * SECTOR);
                    kept = true;
                }
                start = end;
            }
            boolean sizeOnly = loss == Loss.SCATTERED && random.nextInt(4) == 0;
            if (memory.length < disk.length ? kept || sizeOnly : sizeOnly) {
                disk = Arrays.copyOf(disk, memory.length);
            }
        }

        private void carry(int start) {
            int there = Math.min(start + SECTOR, memory.length);
            if (there <= start) {
                return; // cut off: its end is the new size
            }
            if (disk.length < there) {
                disk = Arrays.copyOf(disk, there);
            }
            System.arraycopy(memory, start, disk, start, there - start);
        }
    }
}
