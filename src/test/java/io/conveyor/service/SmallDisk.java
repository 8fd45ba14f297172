package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A disk of a few MiB that a test may fill, enlarge and set read-only: a tmpfs, which only root may mount. */
final class SmallDisk implements AutoCloseable {

    private static final int MIB = 1024 * 1024;

    /** Bytes of a page of memory, the unit of a tmpfs. */
    private static final int BLOCK = 4096;

    private final Path path;

    private SmallDisk(Path path) {
        this.path = path;
    }

    /** Skips the test, and says why, where it may not be mounted. */
    static SmallDisk mount(Path path, int mib) throws IOException, InterruptedException {
        Files.createDirectories(path);
        String refused = run("mount", "-t", "tmpfs", "-o", "size=" + mib + "m", "none", path.toString());
        assumeTrue(refused.isEmpty(), "SKIPPED, the faults of this test need a tmpfs: mount says " + refused);
        return new SmallDisk(path);
    }

    /** What the service is told to store there. */
    String option() {
        return "--spring.datasource.url=jdbc:sqlite:" + path.resolve("conveyor.db");
    }

    /** Leaves not a block of it free. */
    void fill() throws IOException {
        try (OutputStream out = Files.newOutputStream(ballast())) {
            append(out, MIB);
            append(out, BLOCK);
        }
        assertThat(free()).isZero();
    }

    private static void append(OutputStream out, int bytes) {
        byte[] some = new byte[bytes];
        assertThatThrownBy(() -> {
                    while (true) {
                        out.write(some);
                    }
                })
                .hasMessageContaining("No space left");
    }

    /** Gives back what {@link #fill} took. */
    void clear() throws IOException {
        Files.delete(ballast());
    }

    private Path ballast() {
        return path.resolve("ballast");
    }

    long free() {
        try {
            return Files.getFileStore(path).getUsableSpace();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    void enlarge(int mib) throws IOException, InterruptedException {
        assertThat(run("mount", "-o", "remount,size=" + mib + "m", path.toString()))
                .isEmpty();
    }

    void setReadOnly() throws IOException, InterruptedException {
        assertThat(run("mount", "-o", "remount,ro", path.toString())).isEmpty();
    }

    @Override
    public void close() throws IOException, InterruptedException {
        assertThat(run("umount", path.toString())).isEmpty();
    }

    /** What the command says when it fails, else nothing. */
    private static String run(String... command) throws IOException, InterruptedException {
        Process process;
        try {
            process = new ProcessBuilder(List.of(command))
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor() == 0 ? "" : "'" + said.strip() + "'";
    }
}
