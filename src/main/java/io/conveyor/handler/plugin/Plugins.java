package io.conveyor.handler.plugin;

import io.conveyor.handler.HandlerSource;
import io.conveyor.handler.HandlerStartException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The handlers of all plug-ins: of every jar in one directory, in the order of their names. A jar that is of no use keeps
 * the service from starting, so that nobody learns of it from a failed job. Files that are no jars and directories
 * (libraries may stand there) are left alone. Immutable, so safe for all threads.
 */
final class Plugins implements HandlerSource, AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(Plugins.class);

    private final List<PluginJar> jars;

    private Plugins(List<PluginJar> jars) {
        this.jars = List.copyOf(jars);
    }

    /**
     * Loads them; none when there is no such directory.
     *
     * @throws HandlerStartException when one cannot be used
     */
    static Plugins load(Path directory) {
        List<PluginJar> loaded = new ArrayList<>();
        try {
            for (Path file : files(directory)) {
                loaded.add(PluginJar.load(file));
            }
        } catch (RuntimeException | Error e) {
            new Plugins(loaded).close();
            throw e;
        }
        Plugins plugins = new Plugins(loaded);
        plugins.handlers()
                .forEach(found -> log.info(
                        "Plug-in loaded: job kind '{}' by {}",
                        found.handler().kind().name(),
                        found.origin()));
        return plugins;
    }

    private static List<Path> files(Path directory) {
        List<Path> files = new ArrayList<>();
        if (Files.isDirectory(directory)) {
            try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, "*.jar")) {
                found.forEach(files::add);
            } catch (IOException e) {
                throw new HandlerStartException(
                        "The directory of plug-ins, " + directory.toAbsolutePath() + ", cannot be listed: " + e,
                        "Let the user of the service read it, or name another one with conveyor.plugins.directory.",
                        e);
            }
        }
        files.removeIf(Files::isDirectory);
        files.sort(null);
        return files;
    }

    @Override
    public List<Found> handlers() {
        return jars.stream().flatMap(jar -> jar.handlers().stream()).toList();
    }

    @Override
    public void close() {
        jars.forEach(PluginJar::close);
    }
}
