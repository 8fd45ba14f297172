package io.conveyor.handler.plugin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.conveyor.handler.HandlerRegistry;
import io.conveyor.handler.HandlerSource;
import io.conveyor.handler.HandlerStartException;
import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.handler.Jobs;
import io.conveyor.job.JobKind;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Loads plug-ins that are compiled here, each from a jar. */
class PluginsTest {

    private static final String ECHO = "return new JobOutput(job.input());";

    @TempDir
    private Path directory;

    @Test
    void withoutADirectoryThereAreNone() {
        try (Plugins plugins = Plugins.load(directory.resolve("absent"))) {
            assertThat(plugins.handlers()).isEmpty();
        }
    }

    @Test
    void aJarWithAHandlerIsAKind() throws Exception {
        PluginJars.one(jar("shout.jar"), "Shout", "shout");

        try (Plugins plugins = Plugins.load(directory)) {
            HandlerSource.Found found = plugins.handlers().get(0);

            assertThat(plugins.handlers()).hasSize(1);
            assertThat(found.handler().kind())
                    .isEqualTo(new JobKind("shout", "From a plug-in.", "{\"type\": \"string\"}"));
            assertThat(found.origin()).isEqualTo("demo.Shout in " + jar("shout.jar"));
            assertThat(Jobs.run(found.handler(), "1.10")).isEqualTo("1.10");
        }
    }

    @Test
    void allHandlersOfAllJarsComeInTheOrderOfTheJars() throws Exception {
        PluginJars.one(jar("b.jar"), "Last", "last");
        PluginJars.make(
                jar("a.jar"),
                List.of("demo.One", "demo.Two"),
                PluginJars.handler("One", PluginJars.kind("one"), "", ECHO),
                PluginJars.handler("Two", PluginJars.kind("two"), "", ECHO));

        try (Plugins plugins = Plugins.load(directory)) {
            assertThat(plugins.handlers())
                    .extracting(found -> found.handler().kind().name())
                    .containsExactly("one", "two", "last");
        }
    }

    @Test
    void classesOfOneNameInTwoJarsAreTwoClasses() throws Exception {
        PluginJars.one(jar("a.jar"), "Same", "one");
        PluginJars.one(jar("b.jar"), "Same", "two");

        try (Plugins plugins = Plugins.load(directory)) {
            assertThat(plugins.handlers())
                    .extracting(found -> found.handler().kind().name())
                    .containsExactly("one", "two");
        }
    }

    @Test
    void librariesCanStandBesideTheJarThatNamesThem() throws Exception {
        Path lib = Files.createDirectory(directory.resolve("lib"));
        PluginJars.make(lib.resolve("words.jar"), List.of(), "package words; public class Hello {}");
        PluginJars.make(
                jar("a.jar"),
                List.of("demo.Using"),
                PluginJars.handler(
                        "Using",
                        PluginJars.kind("using"),
                        "",
                        "return JobOutput.json(Class.forName(\"words.Hello\").getName());"));
        try (FileSystem jar =
                FileSystems.newFileSystem(URI.create("jar:" + jar("a.jar").toUri()), Map.of())) {
            Files.writeString(
                    jar.getPath("META-INF/MANIFEST.MF"), "Manifest-Version: 1.0\nClass-Path: lib/words.jar\n");
        }

        try (Plugins plugins = Plugins.load(directory)) {
            assertThat(Jobs.run(plugins.handlers().get(0).handler(), "1")).isEqualTo("\"words.Hello\"");
        }
    }

    @Test
    void otherFilesAndDirectoriesAreLeftAlone() throws Exception {
        Files.writeString(directory.resolve("README"), "no jar");
        Files.createDirectory(directory.resolve("old.jar"));

        try (Plugins plugins = Plugins.load(directory)) {
            assertThat(plugins.handlers()).isEmpty();
        }
    }

    @Test
    void whileItRunsTheThreadFindsTheClassesOfThePlugin() throws Exception {
        PluginJars.make(
                jar("a.jar"),
                List.of("demo.Where"),
                PluginJars.handler(
                        "Where",
                        PluginJars.kind("where"),
                        "",
                        "return JobOutput.json(Thread.currentThread().getContextClassLoader() == getClass().getClassLoader());"));
        ClassLoader before = Thread.currentThread().getContextClassLoader();

        try (Plugins plugins = Plugins.load(directory)) {
            assertThat(Jobs.run(plugins.handlers().get(0).handler(), "1")).isEqualTo("true");
            assertThat(Thread.currentThread().getContextClassLoader()).isSameAs(before);
        }
    }

    @Test
    void aHandlerThatWantsToBeClosedIsClosedAtTheStop() throws Exception {
        PluginJars.make(
                jar("a.jar"),
                List.of("demo.Closing"),
                PluginJars.handler(
                                "Closing",
                                PluginJars.kind("closing"),
                                "public void close() { System.setProperty(\"demo.closed\", \"yes\"); }",
                                ECHO)
                        .replace("implements JobHandler", "implements JobHandler, AutoCloseable"));
        System.clearProperty("demo.closed");

        Plugins.load(directory).close();

        assertThat(System.clearProperty("demo.closed")).isEqualTo("yes");
    }

    @Test
    void aHandlerMayNameItsTarget() throws Exception {
        PluginJars.make(
                jar("a.jar"),
                List.of("demo.Calling"),
                PluginJars.handler("Calling", PluginJars.kind("calling"), """
                        public String target(JobContext job) throws Exception {
                            return Thread.currentThread().getContextClassLoader() == getClass().getClassLoader()
                                    ? new String(job.input()) : "not its own";
                        }""", ECHO));

        try (Plugins plugins = Plugins.load(directory)) {
            JobHandler handler = plugins.handlers().get(0).handler();
            assertThat(handler.target(Jobs.job("5"))).isEqualTo("5");
        }
    }

    @Test
    void everyTypeThatTheDocumentationPromisesCanBeUsed() throws Exception {
        PluginJars.make(
                jar("a.jar"),
                List.of("demo.All"),
                PluginJars.handler("All", PluginJars.kind("all"), "record Input(RawJson raw, String why) {}", """
                        Input input = job.input(Input.class);
                        if (input.why().isEmpty()) {
                            return JobOutput.json(new Object[] {input.raw(), job.batchId(), job.index(), job.customId(),
                                job.attempt(), job.metadata() == null, job.remaining().isNegative()});
                        }
                        throw new JobFailure(io.conveyor.job.JobError.failed(input.why(), true)).with("code", 7);"""));

        try (Plugins plugins = Plugins.load(directory)) {
            JobHandler handler = plugins.handlers().get(0).handler();

            assertThat(Jobs.run(handler, "{\"raw\": 1.10, \"why\": \"\"}"))
                    .isEqualTo("[1.10,\"batch_test\",7,\"mine\",1,true,false]");
            assertThat(Jobs.failure(handler, "{\"raw\": 1, \"why\": \"full\"}").members())
                    .containsEntry("detail", "full")
                    .containsEntry("retryable", true)
                    .containsEntry("code", 7);
        }
    }

    // Refusals

    @Test
    void aFileThatIsNoJarIsRefused() throws IOException {
        Files.writeString(jar("a.jar"), "no jar");

        assertRefused("a.jar cannot be read as a jar", "Copy it there again");
    }

    @Test
    void aJarThatIsCutOffIsRefused() throws IOException {
        PluginJars.one(jar("whole"), "Whole", "whole");
        byte[] whole = Files.readAllBytes(jar("whole"));
        Files.write(jar("a.jar"), Arrays.copyOf(whole, whole.length / 2));

        assertRefused("a.jar cannot be read as a jar", "Copy it there again");
    }

    @Test
    void aJarThatNamesNoHandlerIsRefused() throws IOException {
        PluginJars.make(jar("a.jar"), List.of(), PluginJars.handler("A", PluginJars.kind("a"), "", ECHO));

        assertRefused("a.jar names no handler", "META-INF/services/io.conveyor.handler.JobHandler");
    }

    @Test
    void aNameWithoutAClassIsRefused() throws IOException {
        PluginJars.make(jar("a.jar"), List.of("demo.Missing"));

        assertRefused("Provider demo.Missing not found", "Build it against this version");
    }

    @Test
    void aClassThatIsNoHandlerIsRefused() throws IOException {
        PluginJars.make(jar("a.jar"), List.of("demo.Not"), "package demo; public class Not {}");

        assertRefused("not a subtype", "Build it against this version");
    }

    @Test
    void aClassForANewerJavaIsRefused() throws IOException {
        PluginJars.one(jar("a.jar"), "New", "new");
        try (FileSystem jar =
                FileSystems.newFileSystem(URI.create("jar:" + jar("a.jar").toUri()), Map.of())) {
            byte[] code = Files.readAllBytes(jar.getPath("demo/New.class"));
            code[7] = (byte) 0xF0; // the major version
            Files.write(jar.getPath("demo/New.class"), code);
        }

        assertRefused("more recent version of the Java Runtime", "Build it against this version");
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '^',
            delimiter = '|',
            value = {
                "OK    | private A() {}                                              | public",
                "OK    | public A(int n) {}                                          | public",
                "OK    | public A() { throw new IllegalStateException(\"no key\"); } | no key",
                "OK    | static final int N = Integer.parseInt(\"x\");               | For input string",
                "null  |                                                             | null",
                "new JobKind(\"Bad Name\", \"d\", \"{}\") |                          | needs another name",
                "new JobKind(\"a\", null, \"{}\")         |                          | has a null in it",
                "new JobKind(\"a\", \"d\", null)          |                          | has a null in it",
                "new JobKind(\"a\", \"d\", \"{nonsense\") |                          | schema of its kind 'a' is not JSON",
            })
    void aHandlerThatCannotBeMadeIsRefused(String kind, String members, String why) throws IOException {
        PluginJars.make(
                jar("a.jar"),
                List.of("demo.A"),
                PluginJars.handler(
                        "A", kind.equals("OK") ? PluginJars.kind("a") : kind, members == null ? "" : members, ECHO));

        assertRefused(why, "Build it against this version");
    }

    @Test
    void theJarsBeforeOneThatIsRefusedAreClosed() throws IOException {
        PluginJars.make(
                jar("a.jar"),
                List.of("demo.First"),
                PluginJars.handler(
                                "First",
                                PluginJars.kind("first"),
                                "public void close() { System.setProperty(\"demo.first\", \"closed\"); }",
                                ECHO)
                        .replace("implements JobHandler", "implements JobHandler, AutoCloseable"));
        Files.writeString(jar("b.jar"), "no jar");

        assertRefused("b.jar", "");
        assertThat(System.clearProperty("demo.first")).isEqualTo("closed");
    }

    @Test
    void aKindThatIsThereAlreadyIsRefusedAndBothAreNamed() throws IOException {
        PluginJars.one(jar("a.jar"), "Mine", "taken");

        context()
                .withBean(Taken.class)
                .run(started -> assertThat(started.getStartupFailure())
                        .rootCause()
                        .isInstanceOf(HandlerStartException.class)
                        .hasMessage("Two handlers call their job kind 'taken': " + Taken.class.getName()
                                + " and demo.Mine in " + jar("a.jar") + "."));
    }

    @Test
    void aKindThatTwoPluginsBringIsRefused() throws IOException {
        PluginJars.one(jar("a.jar"), "Mine", "taken");
        PluginJars.one(jar("b.jar"), "Theirs", "taken");

        context()
                .withBean(Other.class)
                .run(started -> assertThat(started.getStartupFailure())
                        .rootCause()
                        .hasMessageContaining("demo.Mine in " + jar("a.jar"))
                        .hasMessageContaining("demo.Theirs in " + jar("b.jar")));
    }

    @Test
    void theRegistryHasBothBeansAndPlugins() throws IOException {
        PluginJars.one(jar("a.jar"), "Mine", "mine");

        context()
                .withBean(Other.class)
                .run(started -> assertThat(
                                started.getBean(HandlerRegistry.class).kinds())
                        .extracting(JobKind::name)
                        .containsExactly("mine", "other"));
    }

    @ParameterizedTest
    @CsvSource({"/no/such/directory, make it", "/etc/passwd, not a directory", "' ', is empty"})
    void aDirectoryThatIsNoneKeepsTheServiceFromStarting(String value, String sentence) {
        assertThatThrownBy(() -> new PluginProperties(value))
                .hasMessageContaining("conveyor.plugins.directory")
                .hasMessageContaining(sentence);
    }

    private ApplicationContextRunner context() {
        return new ApplicationContextRunner()
                .withUserConfiguration(HandlerRegistry.class, Parts.class)
                .withBean("directory", Path.class, () -> directory);
    }

    private Path jar(String name) {
        return directory.resolve(name);
    }

    private void assertRefused(String why, String remedy) {
        HandlerStartException refusal =
                catchThrowableOfType(HandlerStartException.class, () -> Plugins.load(directory));

        assertThat(refusal).isNotNull();
        assertThat(refusal.getMessage()).contains(directory.toString()).contains(why);
        assertThat(refusal.remedy()).contains(remedy);
    }

    @Configuration(proxyBeanMethods = false)
    static class Parts {

        @Bean
        Plugins plugins(Path directory) {
            return Plugins.load(directory);
        }
    }

    static class Taken implements JobHandler {

        @Override
        public JobKind kind() {
            return new JobKind("taken", "", "{}");
        }

        @Override
        public JobOutput handle(JobContext job) {
            return new JobOutput(job.input());
        }
    }

    static final class Other extends Taken {

        @Override
        public JobKind kind() {
            return new JobKind("other", "", "{}");
        }
    }
}
