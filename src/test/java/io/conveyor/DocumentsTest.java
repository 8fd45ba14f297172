package io.conveyor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the documents point at is there: files, and the tests that they call as witnesses, with their methods. */
class DocumentsTest {

    private static final Pattern LINK = Pattern.compile("]\\((?!https?:|#)([^)#]+)");
    private static final Pattern WITNESS = Pattern.compile("`(\\w+(?:Test|IT))(?:\\.(\\w+))?`");

    private static final Pattern JAVA = Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL);
    private static final Pattern TYPE = Pattern.compile("(?:class|record|interface) (\\w+)");

    static Stream<Path> documents() throws IOException {
        return ConfigurationReferenceTest.documents();
    }

    @ParameterizedTest
    @MethodSource("documents")
    void everyLinkLeadsToAFile(Path document) throws IOException {
        Path directory = document.toAbsolutePath().getParent();

        assertThat(found(LINK, document).filter(link -> Files.notExists(directory.resolve(link))))
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("documents")
    void everyTestThatIsNamedExists(Path document) throws IOException {
        Set<String> tests = tests().stream()
                .map(file -> file.getFileName().toString().replace(".java", ""))
                .collect(Collectors.toSet());

        assertThat(found(WITNESS, document)).isSubsetOf(tests);
    }

    @ParameterizedTest
    @MethodSource("documents")
    void everyTestMethodThatIsNamedExists(Path document) throws IOException {
        String sources = tests().stream().map(DocumentsTest::read).collect(Collectors.joining());

        assertThat(WITNESS.matcher(read(document))
                        .results()
                        .map(result -> result.group(2))
                        .filter(method -> method != null && !sources.contains("void " + method + "(")))
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("documents")
    void everyJavaExampleCompiles(Path document, @TempDir Path directory) throws IOException {
        List<String> examples = found(JAVA, document).toList();

        for (String example : examples) {
            Matcher name = TYPE.matcher(example);
            assertThat(name.find()).isTrue();
            Path source = directory.resolve(name.group(1) + ".java");
            Files.writeString(source, example);
            ByteArrayOutputStream messages = new ByteArrayOutputStream();
            int exit = ToolProvider.getSystemJavaCompiler()
                    .run(null, messages, messages, "-proc:none", "-d", directory.toString(), source.toString());

            assertThat(exit).as(messages.toString(StandardCharsets.UTF_8)).isZero();
        }
    }

    private static Stream<String> found(Pattern pattern, Path document) {
        return pattern.matcher(read(document)).results().map(result -> result.group(1));
    }

    private static List<Path> tests() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
            return files.filter(file -> file.toString().endsWith(".java")).toList();
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
