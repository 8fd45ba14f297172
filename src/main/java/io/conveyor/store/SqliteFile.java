package io.conveyor.store;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The database file and its place: on a local disk, writable, and ours alone while this process lives. Immutable after
 * {@link #open}; {@link #close} gives the file to the next process.
 */
final class SqliteFile implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(SqliteFile.class);

    private static final String PREFIX = "jdbc:sqlite:";

    /** File systems on which locks or the shared memory of the write-ahead log do not hold. */
    private static final Set<String> NETWORK_FILE_SYSTEMS = Set.of(
            "nfs",
            "nfs4",
            "cifs",
            "smb",
            "smb2",
            "smb3",
            "smbfs",
            "9p",
            "v9fs",
            "afs",
            "ceph",
            "glusterfs",
            "fuse.sshfs",
            "fuse.glusterfs",
            "fuse.s3fs",
            "fuse.rclone",
            "lustre",
            "davfs",
            "fuse.davfs2");

    /**
     * Files held by this process. Asked before the lock is: the system drops a process's lock on a file as soon as the
     * process closes any channel to it, be it the one of a refused second attempt.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path path;
    private final FileChannel lockChannel;

    private SqliteFile(Path path, FileChannel lockChannel) {
        this.path = path;
        this.lockChannel = lockChannel;
    }

    /** The file that a {@code jdbc:sqlite:} URL names. */
    static Path pathOf(String url) {
        String name = url.substring(PREFIX.length());
        if (name.isBlank() || name.startsWith(":") || name.startsWith("file:") || name.contains("?")) {
            throw new StoreStartException(
                    "spring.datasource.url is '" + url + "', which is not a plain file.",
                    "Name a file on a local disk, such as jdbc:sqlite:data/conveyor.db, without parameters: the service"
                            + " sets those that its promises need.");
        }
        return Path.of(name).toAbsolutePath().normalize();
    }

    /**
     * Makes the directory if need be and takes the file for this process.
     *
     * @throws StoreStartException when the place is not fit or another process has the file
     */
    static SqliteFile open(Path named) {
        try {
            Path path = realPath(named);
            refuseNetwork(path, Files.getFileStore(path.resolveSibling(".")));
            if (Files.isDirectory(path) || (Files.exists(path) && !Files.isWritable(path))) {
                throw new IOException("it is a directory, or read-only");
            }
            if (!HELD.add(path)) {
                throw taken(path);
            }
            FileChannel channel = lock(path);
            if (channel == null) {
                HELD.remove(path);
                throw taken(path);
            }
            return new SqliteFile(path, channel);
        } catch (IOException e) {
            throw new StoreStartException(
                    "The store " + named + " cannot be opened for writing: " + e.getMessage() + " ("
                            + e.getClass().getSimpleName() + ").",
                    "Start the service as a user who may write there, or name another place with"
                            + " --spring.datasource.url=jdbc:sqlite:FILE",
                    e);
        }
    }

    /** The path without links, so that two names of one file are not taken for two files. */
    private static Path realPath(Path named) throws IOException {
        Path absolute = named.toAbsolutePath().normalize();
        Path directory = directory(requireNonNull(absolute.getParent()));
        return Files.exists(absolute)
                ? absolute.toRealPath()
                : directory.resolve(requireNonNull(absolute.getFileName()));
    }

    /**
     * The directory, made if need be, with a name that outlasts a power cut. A flush of a file promises nothing of the way to
     * it: SQLite flushes the directory in which its files stand, and nobody those in which that one stands.
     */
    private static Path directory(Path named) throws IOException {
        Path directory = Files.createDirectories(named).toRealPath();
        for (Path parent = directory.getParent(); parent != null; parent = parent.getParent()) {
            // All the way up: an earlier process may have made them, and died before it came here.
            try (FileChannel channel = FileChannel.open(parent, StandardOpenOption.READ)) {
                channel.force(true);
            } catch (IOException e) {
                // Not ours to read, or of a file system that has nothing to flush.
                log.debug("The directory {} cannot be flushed", parent, e);
            }
        }
        return directory;
    }

    private static StoreStartException taken(Path path) {
        return new StoreStartException(
                "Another process has the store " + path + " open.",
                "Stop the other service, or give this one a file of its own with"
                        + " --spring.datasource.url=jdbc:sqlite:OTHER.db");
    }

    static void refuseNetwork(Path path, FileStore place) {
        if (NETWORK_FILE_SYSTEMS.contains(place.type().toLowerCase(Locale.ROOT))) {
            throw new StoreStartException(
                    "The store " + path + " lies on a network file system (" + place.type()
                            + "), where a commit is not safe.",
                    "Move it to a local disk and name it with --spring.datasource.url=jdbc:sqlite:FILE");
        }
    }

    /** The open channel that holds the lock, or null when another process does. */
    private static @Nullable FileChannel lock(Path path) throws IOException {
        Path lockPath = path.resolveSibling(path.getFileName() + ".lock");
        FileChannel channel = FileChannel.open(lockPath, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return channel;
            }
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
        channel.close();
        return null;
    }

    Path path() {
        return path;
    }

    Path walPath() {
        return path.resolveSibling(path.getFileName() + "-wal");
    }

    /** Where it is noted what runs. */
    Path runningPath() {
        return path.resolveSibling(path.getFileName() + "-running");
    }

    @Override
    public void close() throws IOException {
        lockChannel.close();
        HELD.remove(path);
    }
}
