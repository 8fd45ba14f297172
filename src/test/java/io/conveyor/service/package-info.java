/** The packaged jar as its users run it: a process of its own, real HTTP, real signals. Needs the system property conveyor.jar. */
@NullMarked
package io.conveyor.service;

import org.jspecify.annotations.NullMarked;
