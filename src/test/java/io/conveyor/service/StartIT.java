package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Index.atIndex;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What an operator sees of a start: one line and no complaint, or a refusal that says what to do. */
final class StartIT {

    private static final String URL = "--spring.datasource.url=";

    @TempDir
    private Path directory;

    @Test
    void startAndStopAreOneLineEach() throws IOException, InterruptedException {
        try (ServiceProcess service = ServiceProcess.start(directory, "--conveyor.pool.workers=3")) {
            service.awaitEnd(service.submit("[{\"kind\":\"echo\",\"input\":1}]"));

            assertThat(service.terminate()).isEqualTo(ServiceProcess.TERMINATED);
            assertThat(service.trouble()).isEmpty();
            assertThat(service.log().lines().toList())
                    .hasSize(2)
                    .satisfies(
                            line -> assertThat(line)
                                    .contains(
                                            "Conveyor is ready on port",
                                            "3 workers, 3 caller-runs permits",
                                            "store jdbc:sqlite:data/conveyor.db with 0 open jobs"),
                            atIndex(0))
                    .satisfies(
                            line -> assertThat(line)
                                    .contains("Conveyor stopped: 0 running jobs finished, 0 were interrupted"),
                            atIndex(1));
        }
        assertThat(directory.resolve("data/conveyor.db")).exists();
    }

    @Test
    void aSecondProcessOnTheSameFileIsRefused() throws IOException, InterruptedException {
        try (ServiceProcess first = ServiceProcess.start(directory)) {
            String id = first.submit("[{\"kind\":\"echo\",\"input\":1}]");

            assertRefused(
                    "",
                    "Another process has the store " + directory.resolve("data/conveyor.db") + " open.",
                    "Stop the other service, or give this one a file of its own");
            assertThat(first.awaitEnd(id).get("outcome").asString()).isEqualTo("succeeded");
            assertThat(first.terminate()).isEqualTo(ServiceProcess.TERMINATED);
            assertThat(first.trouble()).isEmpty();
        }
    }

    /** Permissions would not do: the superuser passes them all. */
    @Test
    void aPlaceThatCannotBeWrittenIsRefused() throws IOException {
        Files.createFile(directory.resolve("data"));

        assertRefused(
                "",
                "The store " + directory.resolve("data/conveyor.db") + " cannot be opened for writing",
                "name another place with --spring.datasource.url=jdbc:sqlite:FILE");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "jdbc:sqlite:/proc/conveyor.db   | cannot be opened for writing",
                "jdbc:sqlite:x.db?cache=shared   | which is not a plain file",
                "jdbc:postgresql://127.0.0.1/x   | this version stores in SQLite only",
            })
    void aStoreThatIsNoneIsRefused(String url, String why) {
        assertRefused(url, why, "jdbc:sqlite:");
    }

    @Test
    void aFileThatIsNoDatabaseIsRefused() throws IOException {
        Files.writeString(directory.resolve("notes.db"), "Remember the milk. ".repeat(1000));

        assertRefused("jdbc:sqlite:notes.db", "cannot be opened", "Check that it is a SQLite database of this service");
        assertThat(directory.resolve("notes.db")).content().startsWith("Remember the milk.");
    }

    private void assertRefused(String url, String... sentences) {
        List<String> options = url.isEmpty() ? List.of() : List.of(URL + url);
        try (ServiceProcess service = ServiceProcess.spawn(directory, List.of(), options)) {
            assertThat(service.awaitExit()).as(service.log()).isEqualTo(1);
            assertThat(service.log())
                    .contains("APPLICATION FAILED TO START", "Description:", "Action:")
                    .contains(sentences)
                    .doesNotContain("Conveyor is ready")
                    .doesNotContain("\tat ");
        }
    }
}
