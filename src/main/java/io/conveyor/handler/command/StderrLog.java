package io.conveyor.handler.command;

import java.time.Duration;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Takes what the processes of one resident command have to say into the log of the service, under the command's name:
 * at most {@value #MOST_LINES} lines a minute, so that no program can fill the log, and without characters that could
 * make up lines or colours of the log itself.
 *
 * <p><b>Threads and state.</b> Called by the threads that read standard error and by those of jobs. The count of the
 * minute is guarded by this object; nothing is logged while it is held.
 */
final class StderrLog {

    private static final Logger log = LoggerFactory.getLogger(StderrLog.class);

    static final int MOST_LINES = 100;

    private static final long WINDOW = Duration.ofMinutes(1).toNanos();

    private final String name;
    private final LongSupplier nanoTime;

    // Mutable state, guarded by this
    private long windowBegan;
    private int lines;
    private long leftOut;

    StderrLog(String name, LongSupplier nanoTime) {
        this.name = name;
        this.nanoTime = nanoTime;
        windowBegan = nanoTime.getAsLong();
    }

    /** A line that a process wrote. */
    void line(long pid, String line) {
        write(Level.INFO, pid, line);
    }

    /** What is wrong with a process. */
    void warn(long pid, String message) {
        write(Level.WARN, pid, message);
    }

    private void write(Level level, long pid, String text) {
        long before;
        boolean last;
        synchronized (this) {
            long now = nanoTime.getAsLong();
            if (now - windowBegan >= WINDOW) {
                windowBegan = now;
                lines = 0;
            }
            if (lines == MOST_LINES) {
                leftOut++;
                return;
            }
            lines++;
            last = lines == MOST_LINES;
            before = leftOut;
            leftOut = 0;
        }
        if (before > 0) {
            log.info("Command {}: {} lines were left out", name, before);
        }
        log.atLevel(level).log("Command {} [{}]: {}", name, pid, printable(text));
        if (last) {
            log.info("Command {}: {} lines within a minute; those that follow are left out", name, MOST_LINES);
        }
    }

    private static String printable(String text) {
        return text.codePoints()
                .map(c -> Character.isISOControl(c) || isBreak(c) ? ' ' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString()
                .strip();
    }

    /** The separators that some viewers of logs break lines at. */
    private static boolean isBreak(int c) {
        int type = Character.getType(c);
        return type == Character.LINE_SEPARATOR || type == Character.PARAGRAPH_SEPARATOR || type == Character.FORMAT;
    }
}
