package io.conveyor.ledger;

import io.conveyor.service.ServiceProcess;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Two hours ahead, two hours back, and right again: the clock on the wall only, as a person or NTP sets it, under a process
 * that runs. A library that is compiled for the run stands between the process and the clock. Has no state.
 */
final class ClockJump implements Fault {

    private static final List<Duration> JUMPS = List.of(Duration.ofHours(2), Duration.ofHours(-2), Duration.ZERO);

    /** Spring Boot takes the time that its health contributors need by the clock on the wall. */
    private static final Pattern SLOW_BY_THE_CLOCK =
            Pattern.compile("HealthEndpointSupport .* took 7[12]\\d{5}ms to respond");

    /** Milliseconds from one jump to the next. */
    private static final int BETWEEN = 1500;

    @Override
    public String name() {
        return "clock jumps of 2 h";
    }

    @Override
    public Optional<String> missing() {
        try {
            boolean works = new ProcessBuilder("cc", "--version")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .onExit()
                            .join()
                            .exitValue()
                    == 0;
            return works && System.getProperty("os.name").equals("Linux")
                    ? Optional.empty()
                    : Optional.of("it needs Linux and a C compiler that works");
        } catch (IOException e) {
            return Optional.of("there is no C compiler (cc)");
        }
    }

    @Override
    public void strike(Scene scene) throws IOException, InterruptedException {
        Path directory = scene.lives().directory();
        Path library = directory.resolve("wall.so");
        if (!Files.exists(library)) {
            compile(library);
        }
        Path clock = directory.resolve("wall");
        Files.write(clock, bytes(Duration.ZERO));
        scene.awaitLongEnough();
        scene.lives().ending();
        scene.lives().process().signal("TERM");
        scene.lives().awaitEnd(0, ServiceProcess.TERMINATED);
        scene.restart("env", "LD_PRELOAD=" + library, "WALL_AHEAD=" + clock);
        scene.lives().mayLog(SLOW_BY_THE_CLOCK);
        for (Duration jump : JUMPS) {
            // In place: the process has the file in its memory.
            Files.write(clock, bytes(jump), StandardOpenOption.WRITE);
            Scene.pause(BETWEEN);
        }
    }

    private static byte[] bytes(Duration ahead) {
        return ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.nativeOrder())
                .putLong(ahead.toSeconds())
                .array();
    }

    private static void compile(Path library) throws IOException {
        Path source = library.resolveSibling("wall.c");
        try (InputStream in = Objects.requireNonNull(ClockJump.class.getResourceAsStream("/ledger/wall.c"))) {
            Files.copy(in, source);
        }
        Process compiler = new ProcessBuilder(
                        "cc", "-shared", "-fPIC", "-O2", "-o", library.toString(), source.toString(), "-ldl")
                .redirectErrorStream(true)
                .start();
        String said = new String(compiler.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (compiler.onExit().join().exitValue() != 0) {
            throw new IOException(said);
        }
    }
}
