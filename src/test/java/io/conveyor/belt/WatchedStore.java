package io.conveyor.belt;

import io.conveyor.store.BatchStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/** A real store between whose calls a test does something of its own, so that a race has the same end every time. */
final class WatchedStore {

    /** What happens before or after a call. */
    interface Step {

        /** @param argument the first one of the call, or the name of the method again if it has none */
        void at(String method, Object argument) throws Exception;
    }

    private WatchedStore() {}

    static BatchStore around(BatchStore store, Step before, Step after) {
        return (BatchStore) Proxy.newProxyInstance(
                BatchStore.class.getClassLoader(), new Class<?>[] {BatchStore.class}, (proxy, method, arguments) -> {
                    String name = method.getName();
                    Object first = arguments == null ? name : arguments[0];
                    before.at(name, first);
                    Object answer;
                    try {
                        answer = method.invoke(store, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                    after.at(name, first);
                    return answer;
                });
    }
}
