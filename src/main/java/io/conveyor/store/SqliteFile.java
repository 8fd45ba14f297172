package io.conveyor.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The database file and its place: on a local disk, writable, and ours alone while this process lives. Immutable after
 * {@link #open}; {@link #close} gives the file to the next process.
 */
final class SqliteFile implements AutoCloseable {

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

    private final Path path;
    private final FileChannel lockChannel;

    private SqliteFile(Path path, FileChannel lockChannel) {
        this.path = path;
        this.lockChannel = lockChannel;
    }

    /** The file that a {@code jdbc:sqlite:} URL names. */
    static Path pathOf(String url) {
        String name = url.substring(PREFIX.length());
        if (name.isEmpty() || name.contains(":memory:") || name.startsWith("file:") || name.contains("?")) {
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
    static SqliteFile open(Path path) {
        Path directory = path.getParent();
        try {
            if (directory != null) {
                Files.createDirectories(directory);
                refuseNetwork(path, Files.getFileStore(directory));
            }
            Path lockPath = path.resolveSibling(path.getFileName() + ".lock");
            FileChannel channel = FileChannel.open(lockPath, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (lock(channel) == null) {
                channel.close();
                throw new StoreStartException(
                        "Another process has the store " + path + " open.",
                        "Stop the other service, or give this one a file of its own with"
                                + " --spring.datasource.url=jdbc:sqlite:OTHER.db");
            }
            return new SqliteFile(path, channel);
        } catch (IOException e) {
            throw new StoreStartException(
                    "The store " + path + " cannot be opened for writing: " + e,
                    "Start the service as a user who may write to " + directory
                            + ", or name another place with --spring.datasource.url=jdbc:sqlite:FILE",
                    e);
        }
    }

    static void refuseNetwork(Path path, FileStore place) {
        if (NETWORK_FILE_SYSTEMS.contains(place.type().toLowerCase(Locale.ROOT))) {
            throw new StoreStartException(
                    "The store " + path + " lies on a network file system (" + place.type()
                            + "), where a commit is not safe.",
                    "Move it to a local disk and name it with --spring.datasource.url=jdbc:sqlite:FILE");
        }
    }

    private static @Nullable FileLock lock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    Path path() {
        return path;
    }

    Path walPath() {
        return path.resolveSibling(path.getFileName() + "-wal");
    }

    @Override
    public void close() throws IOException {
        lockChannel.close();
    }
}
