package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.plugin.PluginJars;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What an operator does with plug-ins: puts a jar beside the service, and finds its kind there, or a refusal. */
final class PluginIT {

    /** A record of the plug-in's own, and a library of the service's. */
    private static final String SHOUT = """
            package demo;

            import io.conveyor.handler.JobContext;
            import io.conveyor.handler.JobFailure;
            import io.conveyor.handler.JobHandler;
            import io.conveyor.handler.JobOutput;
            import io.conveyor.job.JobKind;

            public class Shout implements JobHandler {

                record Input(String text) {}

                record Output(String text) {}

                public JobKind kind() {
                    return new JobKind("shout", "Turns a text to upper case.",
                            "{\\"type\\": \\"object\\", \\"required\\": [\\"text\\"]}");
                }

                public JobOutput handle(JobContext job) throws JobFailure {
                    return JobOutput.json(new Output(job.input(Input.class).text().toUpperCase()));
                }
            }
            """;

    @TempDir
    private Path directory;

    private Path plugins;

    @BeforeEach
    void makeTheDirectory() throws IOException {
        plugins = Files.createDirectory(directory.resolve("plugins"));
    }

    @Test
    void aJarInTheDirectoryBringsItsKind() throws IOException, InterruptedException {
        PluginJars.make(plugins.resolve("shout.jar"), List.of("demo.Shout"), SHOUT);

        try (ServiceProcess service = ServiceProcess.start(directory)) {
            JsonNode kinds =
                    ServiceProcess.JSON.readTree(service.get("/v1/job-kinds").body());
            assertThat(StreamSupport.stream(kinds.get("items").spliterator(), false)
                            .filter(kind -> kind.get("name").asString().equals("shout")))
                    .singleElement()
                    .satisfies(kind -> {
                        assertThat(kind.get("description").asString()).isEqualTo("Turns a text to upper case.");
                        assertThat(kind.get("input_schema").toString())
                                .isEqualTo("{\"type\":\"object\",\"required\":[\"text\"]}");
                    });

            String id = service.submit(
                    "[{\"kind\":\"shout\",\"input\":{\"text\":\"hello\"}}," + " {\"kind\":\"shout\",\"input\":{}}]");
            service.awaitEnd(id);
            assertThat(service.results(id))
                    .satisfiesExactly(
                            good -> assertThat(good).contains("\"output\":{\"text\":\"HELLO\"}"),
                            bad -> assertThat(bad).contains("This field is needed: a string.", "/input/text"));

            assertThat(service.terminate()).isEqualTo(ServiceProcess.TERMINATED);
            assertThat(service.trouble()).isEmpty();
            assertThat(service.log()).contains("Plug-in loaded: job kind 'shout' by demo.Shout in plugins/shout.jar");
        }
    }

    @Test
    void aKindThatIsThereAlreadyIsRefused() throws IOException {
        PluginJars.one(plugins.resolve("mine.jar"), "Mine", "echo");

        assertRefused(
                "Two handlers call their job kind 'echo': io.conveyor.handler.EchoHandler and demo.Mine in plugins/mine.jar.",
                "Give one of them another name, or take it away.");
    }

    @Test
    void aBrokenJarIsRefused() throws IOException {
        Files.writeString(plugins.resolve("broken.jar"), "no jar");

        assertRefused("The plug-in plugins/broken.jar cannot be read as a jar", "Copy it there again");
    }

    private void assertRefused(String... sentences) {
        try (ServiceProcess service = ServiceProcess.spawn(directory, List.of(), List.of())) {
            assertThat(service.awaitExit()).as(service.log()).isEqualTo(1);
            assertThat(service.log())
                    .contains("APPLICATION FAILED TO START", "Description:", "Action:")
                    .contains(sentences)
                    .doesNotContain("Conveyor is ready")
                    .doesNotContain("\tat ");
        }
    }
}
