package io.conveyor.handler.plugin;

import io.conveyor.handler.HandlerSource;
import io.conveyor.handler.HandlerStartException;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.RawJson;
import io.conveyor.job.JobKind;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.jar.JarFile;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One plug-in: a jar with the handlers that it names in {@code META-INF/services/io.conveyor.handler.JobHandler}. Its
 * classes are its own; what it does not have it gets from the service. So two plug-ins may bring two versions of one
 * library, in the jar or beside it ({@code Class-Path} in the manifest). Nothing changes once it is loaded, so safe for all
 * threads.
 */
final class PluginJar {

    private static final Logger log = LoggerFactory.getLogger(PluginJar.class);

    private final Path file;
    private final URLClassLoader classes;

    /** Filled while it is loaded. */
    private final List<HandlerSource.Found> handlers = new ArrayList<>();

    private PluginJar(Path file, URLClassLoader classes) {
        this.file = file;
        this.classes = classes;
    }

    /**
     * Makes its handlers.
     *
     * @throws HandlerStartException when it cannot be used
     */
    static PluginJar load(Path file) {
        checkReadable(file);
        PluginJar jar = new PluginJar(
                file,
                new URLClassLoader(
                        file.getFileName().toString(), new URL[] {url(file)}, JobHandler.class.getClassLoader()));
        try {
            jar.makeHandlers();
            return jar;
        } catch (RuntimeException | Error e) {
            jar.close();
            throw e;
        }
    }

    /** A class loader would pass over a broken jar in silence. */
    private static void checkReadable(Path file) {
        try (JarFile jar = new JarFile(file.toFile())) {
            jar.getManifest();
        } catch (IOException e) {
            throw new HandlerStartException(
                    "The plug-in " + file + " cannot be read as a jar: " + e.getMessage(),
                    "Copy it there again, let the user of the service read it, or take it away.",
                    e);
        }
    }

    private static URL url(Path file) {
        try {
            return file.toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalStateException(e);
        }
    }

    private void makeHandlers() {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(classes);
        try {
            ServiceLoader.load(JobHandler.class, classes).forEach(this::take);
        } catch (RuntimeException | ServiceConfigurationError | LinkageError e) {
            throw unusable(e);
        } finally {
            thread.setContextClassLoader(before);
        }
        if (handlers.isEmpty()) {
            throw new HandlerStartException(
                    "The plug-in " + file + " names no handler.",
                    "Put the name of its class into META-INF/services/" + JobHandler.class.getName()
                            + " in the jar. A jar that is only a library belongs somewhere else, such as "
                            + file.resolveSibling("lib") + ", with a Class-Path in the manifest of the plug-in.");
        }
    }

    private void take(JobHandler handler) {
        JobKind kind = handler.kind();
        check(kind);
        handlers.add(new HandlerSource.Found(
                new PluginHandler(handler, kind, classes), handler.getClass().getName() + " in " + file));
    }

    /** Built-in kinds have tests; this one is met here for the first time. */
    private static void check(@Nullable JobKind kind) {
        if (kind == null || kind.description() == null || kind.inputSchema() == null) {
            throw new IllegalArgumentException("its kind() is null, or has a null in it");
        }
        if (RawJson.of(kind.inputSchema()).isEmpty()) {
            throw new IllegalArgumentException("the input schema of its kind '" + kind.name() + "' is not JSON");
        }
    }

    private HandlerStartException unusable(Throwable thrown) {
        Throwable cause = thrown;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return new HandlerStartException(
                "The plug-in " + file + " cannot be used: "
                        + (thrown.getCause() == null ? "" : thrown.getMessage() + ": ") + cause,
                "Build it against this version of the service, with a public class that has a public constructor"
                        + " without parameters, or take it away.",
                thrown);
    }

    List<HandlerSource.Found> handlers() {
        return List.copyOf(handlers);
    }

    /** Closes handlers that want to be closed, then the jar. */
    void close() {
        for (HandlerSource.Found each : handlers) {
            try {
                ((PluginHandler) each.handler()).close();
            } catch (Exception e) {
                log.warn("A handler could not be closed: {}", each.origin(), e);
            }
        }
        try {
            classes.close();
        } catch (IOException e) {
            log.warn("The plug-in {} could not be closed", file, e);
        }
    }
}
