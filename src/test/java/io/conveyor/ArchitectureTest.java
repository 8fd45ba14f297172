package io.conveyor;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_USE_FIELD_INJECTION;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Holds the code to the table of packages in {@code src/docs/architecture.md}, which is read here, so that the two cannot
 * part; and to the habits that a compiler does not know.
 */
class ArchitectureTest {

    private static final JavaClasses CODE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.conveyor");

    private static final Pattern ROW = Pattern.compile("\\| `io\\.conveyor\\.(\\w+)` \\|[^|]*\\|([^|]*)\\|([^|]*)\\|");

    /**
     * A row of the table.
     *
     * @param name the package below {@code io.conveyor}
     * @param uses the packages that it may use
     * @param because why no more than these
     */
    record Row(String name, Set<String> uses, String because) {

        private static Row of(Matcher row) {
            Set<String> uses = Arrays.stream(row.group(2).split(",", -1))
                    .map(String::strip)
                    .filter(use -> !use.equals("–"))
                    .collect(Collectors.toCollection(TreeSet::new));
            return new Row(row.group(1), uses, row.group(3).strip());
        }
    }

    private static List<Row> table() throws IOException {
        return ROW.matcher(Files.readString(Path.of("src/docs/architecture.md")))
                .results()
                .map(result -> ROW.matcher(result.group()))
                .filter(Matcher::matches)
                .map(Row::of)
                .toList();
    }

    @ParameterizedTest
    @MethodSource("table")
    void aPackageUsesOnlyWhatTheTableAllows(Row row) {
        String[] allowed = Stream.concat(Stream.of(row.name()), row.uses().stream())
                .map(name -> "io.conveyor." + name + "..")
                .toArray(String[]::new);

        classes()
                .that()
                .resideInAPackage("io.conveyor." + row.name() + "..")
                .should()
                .onlyDependOnClassesThat(resideOutsideOfPackage("io.conveyor..").or(resideInAnyPackage(allowed)))
                .because(row.because())
                .check(CODE);
    }

    @ParameterizedTest
    @MethodSource("table")
    void theTableAllowsNoMoreThanIsUsed(Row row) {
        Set<String> used = CODE.that(resideInAPackage("io.conveyor." + row.name() + "..")).stream()
                .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
                .map(Dependency::getTargetClass)
                .filter(resideInAPackage("io.conveyor.."))
                .map(ArchitectureTest::packageName)
                .filter(name -> !name.equals(row.name()))
                .collect(Collectors.toSet());

        assertThat(used).isEqualTo(row.uses());
    }

    @Test
    void everyPackageHasItsRow() throws IOException {
        assertThat(table().stream().map(Row::name))
                .containsExactlyInAnyOrderElementsOf(CODE.stream()
                        .map(ArchitectureTest::packageName)
                        .filter(name -> !name.isEmpty())
                        .collect(Collectors.toSet()));
    }

    /** The part of the package's name that the table names; empty for the root. */
    private static String packageName(JavaClass type) {
        String[] parts = type.getPackageName().split("\\.", -1);
        return parts.length < 3 ? "" : parts[2];
    }

    @ParameterizedTest
    @ValueSource(strings = {"io.conveyor.(*)..", "io.conveyor.(**)"})
    void packagesHaveNoCycles(String slice) {
        slices().matching(slice)
                .should()
                .beFreeOfCycles()
                .because("what hangs together in a circle can only be understood, tested and changed as a whole")
                .check(CODE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"job", "pool"})
    void theVocabularyAndThePoolStandOnTheJdkAlone(String name) {
        classes()
                .that()
                .resideInAPackage("io.conveyor." + name + "..")
                .should()
                .onlyDependOnClassesThat(
                        resideInAnyPackage("io.conveyor." + name + "..", "java..", "org.jspecify.annotations.."))
                .because("the pool is to be of use in any program, and words are to outlive frameworks")
                .check(CODE);
    }

    @Test
    void theRootHoldsOnlyTheApplication() {
        classes()
                .that()
                .resideInAPackage("io.conveyor")
                .and()
                .doNotHaveSimpleName("package-info")
                .should()
                .be(ConveyorApplication.class)
                .because("a newcomer starts reading at the packages")
                .check(CODE);
    }

    @Test
    void everyPackageIsNullMarked() {
        List<String> unmarked = CODE.getPackage("io.conveyor").getSubpackagesInTree().stream()
                .filter(each -> !each.getClasses().isEmpty())
                .filter(each -> !each.isAnnotatedWith(NullMarked.class))
                .map(JavaPackage::getName)
                .toList();

        assertThat(unmarked)
                .as("packages without package-info.java and @NullMarked")
                .isEmpty();
        assertThat(CODE.getPackage("io.conveyor").isAnnotatedWith(NullMarked.class))
                .isTrue();
    }

    @Test
    void dependenciesComeThroughConstructors() {
        NO_CLASSES_SHOULD_USE_FIELD_INJECTION
                .because("an object that exists is complete, and a test makes it without Spring")
                .check(CODE);
    }

    @Test
    void logsGoThroughOneApi() {
        NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING
                .because("operators set one logging system, not two")
                .check(CODE);
        NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS
                .because("what is printed has no level, no time and no owner")
                .check(CODE);
    }

    @Test
    void nullableComesFromJspecifyOnly() throws IOException {
        Pattern foreign = Pattern.compile("import (?!org\\.jspecify\\.)[\\w.]*\\.(Nullable|NonNull|Nonnull|NotNull);");
        try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
            List<Path> guilty = sources.filter(Files::isRegularFile)
                    .filter(source -> foreign.matcher(read(source)).find())
                    .toList();

            assertThat(guilty).as("NullAway believes one vocabulary").isEmpty();
        }
    }

    private static String read(Path source) {
        try {
            return Files.readString(source);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
