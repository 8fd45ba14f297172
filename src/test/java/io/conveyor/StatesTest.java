package io.conveyor;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.BatchState;
import io.conveyor.job.JobState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The diagrams of the states and the transitions of the code are the same. */
class StatesTest {

    private static final Path DOCUMENT = Path.of("src/docs/states.md");
    private static final Pattern DIAGRAM = Pattern.compile("```mermaid\\nstateDiagram-v2\\n(.*?)```", Pattern.DOTALL);
    private static final Pattern ARROW = Pattern.compile("(\\w+) --> (\\w+)");
    private static final Pattern BEGIN = Pattern.compile("\\[\\*] --> (\\w+)");
    private static final Pattern END = Pattern.compile("(\\w+) --> \\[\\*]");

    private static List<String> diagrams() throws IOException {
        return DIAGRAM.matcher(Files.readString(DOCUMENT))
                .results()
                .map(result -> result.group(1))
                .toList();
    }

    private static Set<String> found(Pattern pattern, String diagram) {
        return pattern.matcher(diagram).results().map(StatesTest::said).collect(Collectors.toCollection(TreeSet::new));
    }

    private static String said(MatchResult result) {
        return result.groupCount() == 1 ? result.group(1) : result.group(1) + " --> " + result.group(2);
    }

    @Test
    void theDiagramOfABatchIsThatOfTheCode() throws IOException {
        String diagram = diagrams().get(0);
        Stream<String> arrows = Arrays.stream(BatchState.values())
                .flatMap(from -> from.next().stream().map(to -> from.wireName() + " --> " + to.wireName()));

        assertThat(found(ARROW, diagram)).containsExactlyInAnyOrderElementsOf(arrows.toList());
        assertThat(found(END, diagram)).containsExactly(BatchState.ENDED.wireName());
        assertThat(found(BEGIN, diagram)).containsExactly("ended", "open", "running");
    }

    @Test
    void theDiagramOfAJobIsThatOfTheCode() throws IOException {
        String diagram = diagrams().get(1);
        Stream<String> arrows = Arrays.stream(JobState.values())
                .flatMap(from -> from.next().stream().map(to -> from.wireName() + " --> " + to.wireName()));

        assertThat(found(ARROW, diagram)).containsExactlyInAnyOrderElementsOf(arrows.toList());
        assertThat(found(END, diagram))
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(JobState.values())
                        .filter(JobState::isTerminal)
                        .map(JobState::wireName)
                        .toList());
        assertThat(found(BEGIN, diagram)).containsExactly(JobState.PENDING.wireName());
    }

    @ParameterizedTest
    @EnumSource(JobState.class)
    void anOutcomeIsWhatNothingComesAfter(JobState state) {
        assertThat(state.next().isEmpty()).isEqualTo(state.isTerminal());
    }

    @ParameterizedTest
    @EnumSource(BatchState.class)
    void whatComesBeforeIsWhatLeadsHere(BatchState state) {
        for (BatchState other : BatchState.values()) {
            assertThat(state.previous().contains(other)).isEqualTo(other.next().contains(state));
        }
    }
}
