package io.conveyor.web;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Names query parameters that a controller method takes without a {@code @RequestParam} of its own. Each may stand in a
 * request once. Every other parameter is refused. Also on an annotation
 * that stands for several of them, and beside such annotations: all of them count.
 */
@Documented
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
public @interface QueryParameters {

    /** The names, as they stand in the query string. */
    String[] value();
}
