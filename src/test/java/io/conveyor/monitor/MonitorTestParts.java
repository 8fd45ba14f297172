package io.conveyor.monitor;

import io.conveyor.store.BatchStore;
import io.conveyor.store.StoreStatus;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Role;

/** What the service of {@link MonitorTest} has beyond the real one: a gate, and a store that can be ill at will. */
@TestConfiguration(proxyBeanMethods = false)
class MonitorTestParts {

    @Bean
    Gate gate() {
        return new Gate();
    }

    /** Whether the store says that its commits fail. */
    @Bean
    @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
    static AtomicBoolean faulty() {
        return new AtomicBoolean();
    }

    @Bean
    static BeanPostProcessor faultyStore(AtomicBoolean faulty) {
        return new BeanPostProcessor() {
            @Override
            public Object postProcessAfterInitialization(Object bean, String name) {
                if (!(bean instanceof BatchStore)) {
                    return bean;
                }
                return Proxy.newProxyInstance(
                        BatchStore.class.getClassLoader(),
                        new Class<?>[] {BatchStore.class},
                        (proxy, method, args) -> call(bean, method, args, faulty.get()));
            }
        };
    }

    private static @Nullable Object call(Object store, Method method, Object[] args, boolean faulty) throws Throwable {
        try {
            Object result = method.invoke(store, args);
            return faulty && result instanceof StoreStatus status ? troubled(status) : result;
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static StoreStatus troubled(StoreStatus status) {
        return new StoreStatus(
                false,
                "a fault",
                status.backlogJobs(),
                status.retryingJobs(),
                status.batches(),
                status.outcomesInHand(),
                status.lateOutcomes(),
                status.databaseBytes(),
                status.walBytes(),
                status.freeBytes(),
                status.room());
    }
}
