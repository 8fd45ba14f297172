package io.conveyor.handler.plugin;

import java.nio.file.Path;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Loads the plug-ins when the service starts, and lets go of them when it has stopped. */
@Configuration(proxyBeanMethods = false)
class PluginConfiguration {

    @Bean(destroyMethod = "close")
    Plugins plugins(PluginProperties properties) {
        return Plugins.load(Path.of(properties.directory()));
    }
}
