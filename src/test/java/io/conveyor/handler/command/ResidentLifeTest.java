package io.conveyor.handler.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.ShortLives;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.Jobs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.unit.DataSize;

/** Programs that stay, of a service that is stopped while they start, answer, and are recycled. */
@Timeout(300)
class ResidentLifeTest {

    @TempDir
    private Path directory;

    @Test
    void noProgramAndNoThreadOutlivesTheStop() throws Exception {
        Set<Long> before = children();
        Path program = directory.resolve("program.sh");
        Files.writeString(program, "#!/bin/sh\nwhile read -r line; do echo \"$line\"; done\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        CommandProperties.Command command = new CommandProperties.Command(
                program.toString(),
                List.of(),
                CommandProperties.Mode.RESIDENT,
                Duration.ofMinutes(1),
                DataSize.ofKilobytes(1),
                2,
                Duration.ofMinutes(1),
                Map.of(),
                directory.toString());
        CommandProperties properties = new CommandProperties(Map.of("it", command));

        ShortLives.live(
                40,
                () -> {
                    CommandHandler handler = new CommandHandler(properties.commands(), ProcessTree.ofThisMachine());
                    return new ShortLives.Service() {
                        @Override
                        public void start() {
                            // it starts programs as they are needed
                        }

                        @Override
                        public void use(SplittableRandom random) throws Exception {
                            try {
                                while (true) {
                                    assertThat(Jobs.run(handler, "{\"command\":\"it\",\"stdin\":7}"))
                                            .isEqualTo("7");
                                }
                            } catch (JobFailure | RejectedExecutionException e) {
                                // the service stops
                            }
                        }

                        @Override
                        public void stop() {
                            handler.close();
                        }
                    };
                },
                "conveyor-command-");

        Set<Long> left = children();
        left.removeAll(before);
        assertThat(left).as("programs that still run").isEmpty();
    }

    private static Set<Long> children() {
        return ProcessHandle.current()
                .descendants()
                .filter(ProcessHandle::isAlive)
                .map(ProcessHandle::pid)
                .collect(Collectors.toSet());
    }
}
