package io.conveyor.web;

import java.util.Arrays;
import java.util.Locale;
import org.springframework.core.convert.converter.Converter;
import org.springframework.core.convert.converter.ConverterFactory;

/**
 * Reads a constant from the name that it has in the HTTP contract: its own in lower case. (Spring falls back to the
 * constant's own name, so that is read too.) Safe for use by many threads; keeps nothing.
 */
@SuppressWarnings("rawtypes") // the key type of a factory for all enums cannot be said otherwise
final class WireNames implements ConverterFactory<String, Enum> {

    @Override
    public <E extends Enum> Converter<String, E> getConverter(Class<E> type) {
        return name -> Arrays.stream(type.getEnumConstants())
                .filter(constant -> of(constant).equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no constant of this name"));
    }

    /** The name of a constant in the contract. */
    static String of(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }
}
