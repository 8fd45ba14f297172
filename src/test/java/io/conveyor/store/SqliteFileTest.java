package io.conveyor.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileStoreAttributeView;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SqliteFileTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jdbc:sqlite:",
                "jdbc:sqlite::memory:",
                "jdbc:sqlite::resource:x.db",
                "jdbc:sqlite:file:x.db",
                "jdbc:sqlite:x.db?synchronous=OFF"
            })
    void urlsThatAreNotAPlainFileAreRefused(String url) {
        assertThatThrownBy(() -> SqliteFile.pathOf(url)).isInstanceOfSatisfying(StoreStartException.class, e -> {
            assertThat(e).hasMessageContaining(url);
            assertThat(e.remedy()).contains("jdbc:sqlite:data/conveyor.db");
        });
    }

    @Test
    void plainFileIsTaken() {
        assertThat(SqliteFile.pathOf("jdbc:sqlite:data/conveyor.db"))
                .isEqualTo(Path.of("data/conveyor.db").toAbsolutePath());
    }

    @Test
    void secondOpenIsRefusedUntilTheFirstIsClosedAlsoThroughALink() throws IOException {
        Path path = SqliteStores.fresh("file-twice");
        Files.createFile(path);
        Path link = Files.createSymbolicLink(path.resolveSibling("link.db"), path.toAbsolutePath());
        SqliteFile first = SqliteFile.open(path);

        for (Path name : List.of(path, link)) {
            assertThatThrownBy(() -> SqliteFile.open(name)).isInstanceOfSatisfying(StoreStartException.class, e -> {
                assertThat(e).hasMessageContaining("Another process").hasMessageContaining("conveyor.db");
                assertThat(e.remedy()).contains("--spring.datasource.url");
            });
        }

        first.close();
        SqliteFile.open(link).close();
    }

    @Test
    void anotherProcessIsRefusedEvenAfterARefusedAttemptInThisOne() throws Exception {
        Path path = SqliteStores.fresh("file-two-processes");
        try (SqliteFile ours = SqliteFile.open(path)) {
            assertThatThrownBy(() -> SqliteFile.open(ours.path())).isInstanceOf(StoreStartException.class);
            assertThat(lockInAnotherProcess(path)).isEqualTo("taken");
        }
        assertThat(lockInAnotherProcess(path)).isEqualTo("free");
    }

    private static String lockInAnotherProcess(Path path) throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Other.class.getName(),
                        path.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String answer = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        process.waitFor();
        return answer;
    }

    /** What the other process runs. */
    static final class Other {

        public static void main(String[] args) throws IOException {
            try (SqliteFile file = SqliteFile.open(Path.of(args[0]))) {
                System.out.print(file.path().isAbsolute() ? "free" : "?");
            } catch (StoreStartException e) {
                System.out.print(String.valueOf(e.getMessage()).startsWith("Another process") ? "taken" : e);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nfs4", "CIFS", "fuse.sshfs", "9p"})
    void networkFileSystemsAreRefused(String type) {
        assertThatThrownBy(() -> SqliteFile.refuseNetwork(Path.of("x.db"), new FakeFileStore(type)))
                .isInstanceOf(StoreStartException.class)
                .hasMessageContaining(type);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ext4", "xfs", "overlay", "tmpfs", "apfs"})
    void localFileSystemsAreTaken(String type) {
        assertThatCode(() -> SqliteFile.refuseNetwork(Path.of("x.db"), new FakeFileStore(type)))
                .doesNotThrowAnyException();
    }

    @Test
    void placesThatCannotBeWrittenAreRefusedInWords() throws IOException {
        Path directory = Files.createDirectory(SqliteStores.fresh("file-unfit"));
        Path file = Files.createFile(directory.resolve("a-file"));

        for (Path unfit : List.of(directory, file.resolve("conveyor.db"))) {
            assertThatThrownBy(() -> SqliteFile.open(unfit)).isInstanceOfSatisfying(StoreStartException.class, e -> {
                assertThat(e).hasMessageContaining("cannot be opened for writing");
                assertThat(e.remedy()).contains("--spring.datasource.url");
            });
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void readOnlyDirectoryIsRefused() {
        assertThatThrownBy(() -> SqliteFile.open(Path.of("/proc/conveyor.db")))
                .isInstanceOf(StoreStartException.class)
                .hasMessageContaining("cannot be opened for writing");
    }

    @Test
    void lockFileIsLeftUnlocked() throws IOException {
        Path path = SqliteStores.fresh("file-closed");
        SqliteFile.open(path).close();

        try (FileChannel lock = FileChannel.open(path.resolveSibling("conveyor.db.lock"), StandardOpenOption.WRITE)) {
            assertThat(lock.tryLock()).isNotNull();
        }
    }

    private static final class FakeFileStore extends FileStore {

        private final String type;

        FakeFileStore(String type) {
            this.type = type;
        }

        @Override
        public String name() {
            return "fake";
        }

        @Override
        public String type() {
            return type;
        }

        @Override
        public boolean isReadOnly() {
            return false;
        }

        @Override
        public long getTotalSpace() {
            return 0;
        }

        @Override
        public long getUsableSpace() {
            return 0;
        }

        @Override
        public long getUnallocatedSpace() {
            return 0;
        }

        @Override
        public boolean supportsFileAttributeView(Class<? extends FileAttributeView> view) {
            return false;
        }

        @Override
        public boolean supportsFileAttributeView(String name) {
            return false;
        }

        @Override
        public <V extends FileStoreAttributeView> @Nullable V getFileStoreAttributeView(Class<V> view) {
            return null;
        }

        @Override
        public Object getAttribute(String attribute) {
            return attribute;
        }
    }
}
