package io.conveyor.handler.plugin;

import java.nio.file.Files;
import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Where plug-ins lie.
 *
 * @param directory the directory whose jars bring job kinds of their own, with the rights of the service; the default may
 *     be absent
 */
@ConfigurationProperties("conveyor.plugins")
public record PluginProperties(@DefaultValue(DEFAULT) String directory) {

    private static final String DEFAULT = "plugins";

    public PluginProperties {
        if (directory.isBlank()) {
            throw new IllegalArgumentException(
                    "conveyor.plugins.directory is empty; name a directory, or leave the key out for '" + DEFAULT
                            + "'");
        }
        boolean absent = Files.notExists(Path.of(directory));
        if (absent ? !directory.equals(DEFAULT) : !Files.isDirectory(Path.of(directory))) {
            throw new IllegalArgumentException("conveyor.plugins.directory is '" + directory
                    + "', which is not a directory; make it, or name the one that has the plug-ins");
        }
    }
}
