package io.conveyor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Holds the table of {@code src/docs/configuration.md} to what the compiler wrote down of the property records: keys, types,
 * defaults, and their Javadoc. To write the table anew: {@code mvn test -Dtest=ConfigurationReferenceTest
 * -Dreference.write=true}.
 */
class ConfigurationReferenceTest {

    private static final Path REFERENCE = Path.of("src/docs/configuration.md");
    private static final Path METADATA = Path.of("META-INF/spring-configuration-metadata.json");
    private static final Path METADATA_OF_TYPES = Path.of("META-INF/spring/configuration-metadata");
    private static final Pattern MAP_OF_RECORDS =
            Pattern.compile("java\\.util\\.Map<java\\.lang\\.String,(io\\.conveyor\\..+)>");

    private static final String MAP_OF_LISTS = "java.util.Map<java.lang.String,java.util.List<java.lang.String>>";

    private static final String HEAD = """
            | key | type | default | what it is |
            |---|---|---|---|
            """;
    private static final Pattern TABLE = Pattern.compile(Pattern.quote(HEAD) + "(?:\\| `conveyor\\..*\\n)*");

    @Test
    void theTableSaysWhatTheRecordsSay() throws Exception {
        String right = HEAD + String.join("", rows().values());
        String document = Files.readString(REFERENCE);
        Matcher table = TABLE.matcher(document);
        assertThat(table.find()).as("a table that begins with %s", HEAD).isTrue();
        if (Boolean.getBoolean("reference.write")) {
            Files.writeString(REFERENCE, table.replaceFirst(Matcher.quoteReplacement(right)));
        } else {
            assertThat(table.group()).isEqualTo(right);
        }
    }

    static Stream<Path> documents() throws IOException {
        try (Stream<Path> documents = Files.list(Path.of("src/docs"))) {
            return Stream.concat(
                    Stream.of(Path.of("README.md")),
                    documents.filter(path -> path.toString().endsWith(".md")))
                    .toList()
                    .stream();
        }
    }

    @ParameterizedTest
    @MethodSource("documents")
    void everyKeyThatADocumentNamesExists(Path document) throws Exception {
        SortedMap<String, String> rows = rows();

        assertThat(Pattern.compile("`(?:--)?(conveyor\\.[a-z][\\w.-]*)")
                        .matcher(Files.readString(document))
                        .results()
                        .map(result -> result.group(1))
                        .filter(name -> rows.keySet().stream().noneMatch(key -> names(key, name))))
                .isEmpty();
    }

    /** Whether that is the key, or the beginning of it up to a dot; a name of the operator's stands for NAME. */
    private static boolean names(String key, String name) {
        String pattern = Pattern.quote(key + ".").replace("NAME", "\\E[^.]+\\Q");
        return Pattern.compile(pattern).matcher(name + ".").matches()
                || key.startsWith(name.replaceAll("\\.$", "") + ".");
    }

    /** A line of the table for each key. */
    private static SortedMap<String, String> rows() throws Exception {
        SortedMap<String, String> rows = new TreeMap<>();
        for (JsonNode property : read(METADATA).get("properties")) {
            String name = property.get("name").asString();
            Matcher map = MAP_OF_RECORDS.matcher(property.get("type").asString());
            if (map.matches()) {
                Path metadata = METADATA_OF_TYPES.resolve(map.group(1) + ".json");
                for (JsonNode inner : read(metadata).get("properties")) {
                    add(rows, name + ".NAME." + inner.get("name").asString(), inner);
                }
            } else if (name.startsWith("conveyor.")) {
                boolean lists = property.get("type").asString().equals(MAP_OF_LISTS);
                add(rows, lists ? name + ".NAME" : name, property);
            }
        }
        return rows;
    }

    private static JsonNode read(Path metadata) throws IOException, URISyntaxException {
        Path classes = Path.of(ConveyorApplication.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        return JsonMapper.shared().readTree(Files.readString(classes.resolve(metadata)));
    }

    private static void add(SortedMap<String, String> rows, String key, JsonNode property) {
        JsonNode text = property.get("description");
        assertThat(text).as("the Javadoc of %s", key).isNotNull();
        String description =
                text.asString().replaceAll("\\{@code ([^}]+)}", "`$1`").replace("|", "\\|");
        JsonNode standard = property.get("defaultValue");
        rows.put(
                key,
                "| `" + key + "` | " + type(property.get("type").asString()) + " | "
                        + (standard == null ? "–" : "`" + standard.asString() + "`") + " | "
                        + description.substring(0, 1).toUpperCase(Locale.ROOT) + description.substring(1) + " |\n");
    }

    private static String type(String type) {
        return switch (type) {
            case "java.lang.Integer", "java.lang.Long" -> "number";
            case "java.lang.String" -> "text";
            case "java.time.Duration" -> "duration";
            case "java.util.List<java.lang.String>", MAP_OF_LISTS -> "list";
            case "java.util.Map<java.lang.String,java.lang.String>" -> "map";
            case "org.springframework.util.unit.DataSize" -> "size";
            case "io.conveyor.handler.command.CommandProperties$Mode" -> "`process` or `resident`";
            default -> throw new AssertionError("a word is needed for the type " + type);
        };
    }
}
