package io.conveyor.monitor;

import io.conveyor.batch.Suggestion;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.springframework.beans.BeanUtils;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName.Form;
import org.springframework.core.ResolvableType;

/**
 * Every configuration key that the given property records read, taken from the records themselves. Spelling is relaxed as
 * it is when Spring binds: case, dashes and underscores do not count. Immutable.
 */
final class KnownKeys {

    private final List<Key> keys;

    private KnownKeys(List<Key> keys) {
        this.keys = keys;
    }

    /**
     * One key.
     *
     * @param elements what stands between the dots, with {@code *} for a name that the operator chooses
     * @param open whether anything may follow, as in a list or a map of texts
     */
    private record Key(List<String> elements, boolean open) {

        static final String ANY = "*";

        boolean matches(List<String> name) {
            if (name.size() < elements.size() || (name.size() > elements.size() && !open)) {
                return false;
            }
            for (int i = 0; i < elements.size(); i++) {
                if (!elements.get(i).equals(ANY) && !uniform(elements.get(i)).equals(name.get(i))) {
                    return false;
                }
            }
            return true;
        }

        /** Whether the name of an environment variable, without its underscores, can mean this key. */
        boolean matchesVariable(String word) {
            int any = elements.indexOf(ANY);
            String start = uniform(String.join("", any < 0 ? elements : elements.subList(0, any)));
            return (any >= 0 || open) ? word.startsWith(start) : word.equals(start);
        }

        /** The key as it would be written, with the operator's own names of the given one. */
        String like(List<String> name) {
            List<String> written = new ArrayList<>(elements);
            for (int i = 0; i < written.size() && i < name.size(); i++) {
                if (written.get(i).equals(ANY)) {
                    written.set(i, name.get(i));
                }
            }
            return String.join(".", written);
        }
    }

    /** @param records property records by their prefix */
    static KnownKeys of(List<Map.Entry<String, Class<?>>> records) {
        List<Key> found = new ArrayList<>();
        records.forEach(record ->
                collect(List.of(record.getKey().split("\\.")), ResolvableType.forClass(record.getValue()), found));
        found.sort(Comparator.comparing(key -> String.join(".", key.elements())));
        return new KnownKeys(List.copyOf(found));
    }

    private static void collect(List<String> elements, ResolvableType type, List<Key> found) {
        Class<?> raw = type.toClass();
        ResolvableType valueOfMap = type.as(Map.class).getGeneric(1);
        if (raw.isRecord()) {
            for (RecordComponent component : raw.getRecordComponents()) {
                collect(
                        plus(elements, dashed(component.getName())),
                        ResolvableType.forType(component.getGenericType()),
                        found);
            }
        } else if (valueOfMap.toClass().isRecord()) {
            collect(plus(elements, Key.ANY), valueOfMap, found);
        } else {
            found.add(new Key(elements, !BeanUtils.isSimpleValueType(raw)));
        }
    }

    private static List<String> plus(List<String> elements, String more) {
        List<String> longer = new ArrayList<>(elements);
        longer.add(more);
        return List.copyOf(longer);
    }

    private static String dashed(String component) {
        return component.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    private static String uniform(String element) {
        return element.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
    }

    /** All keys, sorted, with {@code *} for names that the operator chooses. */
    List<String> names() {
        return keys.stream().map(key -> String.join(".", key.elements())).toList();
    }

    /** Whether that name, as it stands in a file or on the command line, is one of the keys. */
    boolean contains(ConfigurationPropertyName name) {
        List<String> elements = elements(name, Form.UNIFORM);
        return keys.stream().anyMatch(key -> key.matches(elements));
    }

    /** The key that was probably meant. */
    Optional<String> nearest(ConfigurationPropertyName name) {
        ConfigurationPropertyName whole = name.isLastElementIndexed() ? name.getParent() : name;
        List<String> written = elements(whole, Form.ORIGINAL);
        List<String> candidates = keys.stream().map(key -> key.like(written)).toList();
        Optional<String> near = Suggestion.nearest(whole.toString(), candidates);
        return near.isPresent() ? near : namesake(written, candidates);
    }

    /** The key that ends in the same word, in another place. */
    private static Optional<String> namesake(List<String> written, List<String> candidates) {
        String last = "." + written.get(written.size() - 1);
        return candidates.stream().filter(candidate -> candidate.endsWith(last)).findFirst();
    }

    /** The key that the name of an environment variable misspells by a letter or two; none if it is well spelt, or no key. */
    Optional<String> misspelt(String variable) {
        String word = uniform(variable);
        if (keys.stream().anyMatch(key -> key.matchesVariable(word))) {
            return Optional.empty();
        }
        Map<String, String> byWord = new TreeMap<>();
        names().forEach(name -> byWord.put(uniform(name), name));
        return Suggestion.nearest(word, byWord.keySet()).map(byWord::get);
    }

    private static List<String> elements(ConfigurationPropertyName name, Form form) {
        List<String> elements = new ArrayList<>();
        for (int i = 0; i < name.getNumberOfElements(); i++) {
            elements.add(name.getElement(i, form));
        }
        return elements;
    }
}
