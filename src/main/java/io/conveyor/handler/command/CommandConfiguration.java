package io.conveyor.handler.command;

import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.type.AnnotatedTypeMetadata;

/** Brings the kind {@code command} into being if the operator has declared a program. */
@Configuration(proxyBeanMethods = false)
class CommandConfiguration {

    @Bean
    @Conditional(Declared.class)
    CommandHandler commandHandler(CommandProperties properties) {
        return new CommandHandler(properties.commands(), ProcessTree.ofThisMachine());
    }

    /** Whether there is any key below {@code conveyor.commands}. */
    static final class Declared implements Condition {

        @Override
        public boolean matches(ConditionContext context, AnnotatedTypeMetadata metadata) {
            return Binder.get(context.getEnvironment())
                    .bind("conveyor.commands", Bindable.mapOf(String.class, Object.class))
                    .map(commands -> !commands.isEmpty())
                    .orElse(false);
        }
    }
}
