package io.conveyor.handler;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.cfg.CoercionAction;
import tools.jackson.databind.cfg.CoercionInputShape;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.cfg.MapperConfig;
import tools.jackson.databind.exc.InvalidNullException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.exc.ValueInstantiationException;
import tools.jackson.databind.introspect.Annotated;
import tools.jackson.databind.introspect.AnnotatedParameter;
import tools.jackson.databind.introspect.JacksonAnnotationIntrospector;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.type.LogicalType;

/**
 * Binds JSON from a client to a record and takes nothing for granted: a component is needed unless it is
 * {@code @Nullable}; unknown fields, duplicate fields, text after the value, numbers as strings, strings as numbers,
 * fractions for whole numbers, more than {@value #MAX_DEPTH} levels and strings of more than {@value #MAX_STRING}
 * characters are refused. What Jackson has to say about it becomes a sentence for the client, with a JSON Pointer and
 * without the name of a class. A record's own {@link IllegalArgumentException} is passed on as that sentence. Safe for
 * all threads.
 */
public final class StrictJson {

    public static final int MAX_DEPTH = 64;
    public static final int MAX_STRING = 1 << 20;

    /** Attribute of a reading: the bytes that are read, for {@link RawJson}. */
    static final Object SOURCE = new Object();

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxStringLength(MAX_STRING)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .annotationIntrospector(new NeededUnlessNullable())
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .enable(EnumFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
            .withCoercionConfig(LogicalType.Textual, text -> {
                text.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail);
                text.setCoercion(CoercionInputShape.Float, CoercionAction.Fail);
                text.setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail);
            })
            .build();

    private StrictJson() {}

    /**
     * Binds one JSON value.
     *
     * @param pointer where the value stands in what the client sent, as a JSON Pointer: {@code /input}
     * @throws JobFailure {@code invalid-job} with {@code pointer}
     */
    public static <T> T read(byte[] json, Class<T> type, String pointer) throws JobFailure {
        try {
            T value = MAPPER.readerFor(type).withAttribute(SOURCE, json).readValue(json);
            if (value == null) {
                throw JobFailure.invalid(pointer, "A value is needed here: " + expected(type) + ".");
            }
            return value;
        } catch (JacksonException e) {
            throw JobFailure.invalid(pointer + pointerOf(e), detailOf(e));
        }
    }

    private static String pointerOf(JacksonException e) {
        return e.getPath().stream()
                .map(step -> step.getPropertyName() == null ? "" + step.getIndex() : step.getPropertyName())
                .map(step -> "/" + step.replace("~", "~0").replace("/", "~1"))
                .collect(Collectors.joining());
    }

    private static String detailOf(JacksonException e) {
        if (e instanceof UnrecognizedPropertyException unknown) {
            Collection<Object> known = unknown.getKnownPropertyIds();
            return "There is no field '" + unknown.getPropertyName() + "' here. "
                    + (known == null || known.isEmpty()
                            ? "Leave it out."
                            : "The fields are: "
                                    + known.stream()
                                            .map(Object::toString)
                                            .sorted()
                                            .collect(Collectors.joining(", "))
                                    + ".");
        }
        if (e instanceof ValueInstantiationException && e.getCause() instanceof IllegalArgumentException cause) {
            return String.valueOf(cause.getMessage());
        }
        if (e instanceof InvalidNullException missing) {
            return "This field is needed: " + expected(missing.getTargetType()) + ".";
        }
        if (e instanceof MismatchedInputException mismatch) {
            return "This must be " + expected(mismatch.getTargetType()) + ".";
        }
        return syntaxOf(e);
    }

    private static String syntaxOf(JacksonException e) {
        if (e instanceof StreamConstraintsException) {
            return "The JSON is too big inside: at most " + MAX_DEPTH + " levels, and " + MAX_STRING
                    + " characters in one string.";
        }
        if (e instanceof InputCoercionException) {
            return "This number is too large for this field.";
        }
        if (e instanceof StreamReadException && e.getOriginalMessage().startsWith("Duplicate")) {
            return "A field stands here twice. Leave one of them out.";
        }
        return "This is not valid JSON.";
    }

    private static String expected(@Nullable Class<?> type) {
        if (type == null) {
            return "another JSON value";
        }
        if (type == int.class || type == long.class || type == Integer.class || type == Long.class) {
            return "a whole number";
        }
        if ((type.isPrimitive() && type != boolean.class) || Number.class.isAssignableFrom(type)) {
            return "a number";
        }
        if (type == boolean.class || type == Boolean.class) {
            return "true or false";
        }
        if (type == String.class) {
            return "a string";
        }
        if (type.isEnum()) {
            return "one of "
                    + Arrays.stream(type.getEnumConstants())
                            .map(Object::toString)
                            .collect(Collectors.joining(", "));
        }
        if (Collection.class.isAssignableFrom(type) || type.isArray()) {
            return "an array";
        }
        return type.isRecord() || Map.class.isAssignableFrom(type) ? "an object" : "another JSON value";
    }

    /** Lets a record say with {@code @Nullable} what may be left out. */
    private static final class NeededUnlessNullable extends JacksonAnnotationIntrospector {

        private static final long serialVersionUID = 1L;

        @Override
        public JsonSetter.Value findSetterInfo(MapperConfig<?> config, Annotated annotated) {
            if (annotated instanceof AnnotatedParameter parameter && isNeeded(parameter)) {
                return JsonSetter.Value.forValueNulls(Nulls.FAIL);
            }
            return super.findSetterInfo(config, annotated);
        }

        /** Looks at the record's components: javac drops type annotations from a compact constructor's parameters. */
        private static boolean isNeeded(AnnotatedParameter parameter) {
            RecordComponent[] components = parameter.getDeclaringClass().getRecordComponents();
            return components != null
                    && components.length == parameter.getOwner().getParameterCount()
                    && !components[parameter.getIndex()].getAnnotatedType().isAnnotationPresent(Nullable.class);
        }
    }
}
