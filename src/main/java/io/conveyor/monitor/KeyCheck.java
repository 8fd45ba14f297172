package io.conveyor.monitor;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.springframework.beans.factory.config.BeanFactoryPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.origin.Origin;
import org.springframework.boot.origin.OriginLookup;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.stereotype.Component;

/**
 * Keeps the service from starting with a key below {@code conveyor} that nobody reads: a limit with a typing error is no
 * limit. Looks before any bean is made, so that nothing has been opened yet. Keeps nothing.
 *
 * <p>Environment variables are held to less: whoever runs containers gets {@code CONVEYOR_PORT} and the like for free, so
 * only those are refused that a letter or two would make a key.
 */
@Component
final class KeyCheck implements BeanFactoryPostProcessor {

    private static final String PREFIX = "conveyor";

    @Override
    public void postProcessBeanFactory(ConfigurableListableBeanFactory factory) {
        KnownKeys known = KnownKeys.of(records(factory));
        ConfigurableEnvironment environment =
                factory.getBean(ConfigurableApplicationContext.ENVIRONMENT_BEAN_NAME, ConfigurableEnvironment.class);
        for (PropertySource<?> source : environment.getPropertySources()) {
            if (source instanceof EnumerablePropertySource<?> listed) {
                for (String name : listed.getPropertyNames()) {
                    check(known, listed, name);
                }
            }
        }
    }

    private static List<Map.Entry<String, Class<?>>> records(ConfigurableListableBeanFactory factory) {
        List<Map.Entry<String, Class<?>>> records = new ArrayList<>();
        for (String bean : factory.getBeanNamesForAnnotation(ConfigurationProperties.class)) {
            ConfigurationProperties annotation =
                    factory.findAnnotationOnBean(bean, ConfigurationProperties.class, false);
            Class<?> type = factory.getType(bean, false);
            if (annotation != null && type != null && isOurs(annotation.value())) {
                records.add(Map.entry(annotation.value(), type));
            }
        }
        return records;
    }

    private static boolean isOurs(String name) {
        return name.equals(PREFIX) || name.startsWith(PREFIX + ".");
    }

    private static void check(KnownKeys known, EnumerablePropertySource<?> source, String name) {
        if (source instanceof SystemEnvironmentPropertySource) {
            if (name.toLowerCase(Locale.ROOT).startsWith(PREFIX + "_")) {
                known.misspelt(name).ifPresent(key -> refuse(known, source, name, Optional.of(key)));
            }
        } else if (isOurs(name.toLowerCase(Locale.ROOT))) {
            ConfigurationPropertyName key = ConfigurationPropertyName.adapt(name, '.');
            if (!known.contains(key)) {
                refuse(known, source, name, known.nearest(key));
            }
        }
    }

    private static void refuse(
            KnownKeys known, EnumerablePropertySource<?> source, String name, Optional<String> meant) {
        Origin origin = OriginLookup.getOrigin(source, name);
        throw new UnknownKeyException(
                "There is no configuration key '" + name + "' (found in "
                        + (origin == null ? source.getName() : origin) + ")."
                        + meant.map(key -> " Did you mean '" + key + "'?").orElse(""),
                "Mend the key or take it away. The keys are: " + String.join(", ", known.names()));
    }
}
