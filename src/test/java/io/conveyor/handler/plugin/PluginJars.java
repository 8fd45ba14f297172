package io.conveyor.handler.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobHandler;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.ToolProvider;

/** Compiles plug-ins for tests. */
public final class PluginJars {

    private static final Pattern TYPE = Pattern.compile("(?:class|record|interface) (\\w+)");

    private PluginJars() {}

    /** The source of {@code demo.NAME}, a public handler whose body begins with that and whose job does that. */
    public static String handler(String name, String kind, String members, String job) {
        return """
                package demo;

                import io.conveyor.handler.*;
                import io.conveyor.job.JobKind;

                public class %s implements JobHandler {
                    %s
                    public JobKind kind() {
                        return %s;
                    }
                    public JobOutput handle(JobContext job) throws Exception {
                        %s
                    }
                }
                """.formatted(name, members, kind, job);
    }

    /** The source of a kind with that name. */
    public static String kind(String name) {
        return "new JobKind(\"" + name + "\", \"From a plug-in.\", \"{\\\"type\\\": \\\"string\\\"}\")";
    }

    /** A jar with one handler, {@code demo.NAME}, that is named as a service. */
    public static void one(Path jar, String name, String kind) throws IOException {
        make(jar, List.of("demo." + name), handler(name, kind(kind), "", "return new JobOutput(job.input());"));
    }

    /** A jar with these sources compiled, and these names as services. */
    public static void make(Path jar, List<String> services, String... sources) throws IOException {
        Path work = Files.createTempDirectory(jar.getParent(), "work");
        Path classes = Files.createDirectory(work.resolve("classes"));
        for (String source : sources) {
            Matcher name = TYPE.matcher(source);
            assertThat(name.find()).isTrue();
            Path file = Files.writeString(work.resolve(name.group(1) + ".java"), source);
            ByteArrayOutputStream messages = new ByteArrayOutputStream();
            int exit = ToolProvider.getSystemJavaCompiler()
                    .run(null, messages, messages, "-proc:none", "-d", classes.toString(), file.toString());
            assertThat(exit).as(messages.toString(StandardCharsets.UTF_8)).isZero();
        }
        pack(jar, services, classes);
    }

    private static void pack(Path jar, List<String> services, Path classes) throws IOException {
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file);
                Stream<Path> found = Files.walk(classes)) {
            for (Path each : found.filter(Files::isRegularFile).toList()) {
                out.putNextEntry(new JarEntry(classes.relativize(each).toString()));
                out.write(Files.readAllBytes(each));
            }
            if (!services.isEmpty()) {
                out.putNextEntry(new JarEntry("META-INF/services/" + JobHandler.class.getName()));
                out.write(String.join("\n", services).getBytes(StandardCharsets.UTF_8));
            }
        }
    }
}
