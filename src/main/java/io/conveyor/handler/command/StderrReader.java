package io.conveyor.handler.command;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads the standard error of one resident process as long as there is any, so that the process never waits for it:
 * lines go to the log, cut at {@value #LONGEST_LINE} bytes, and the last {@value CommandRun#STDERR_KEPT} bytes are kept.
 *
 * <p><b>Threads and state.</b> One thread reads; any may ask for the end that is kept, which is guarded by this object.
 */
final class StderrReader implements Runnable {

    /** Bytes of a line that reach the log. */
    private static final int LONGEST_LINE = 1000;

    private static final int CHUNK = 8192;

    private final InputStream stream;
    private final long pid;
    private final StderrLog log;

    // Mutable state, of the reading thread alone
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();

    // Mutable state, guarded by this
    private byte[] end = {};

    StderrReader(InputStream stream, long pid, StderrLog log) {
        this.stream = stream;
        this.pid = pid;
        this.log = log;
    }

    @Override
    public void run() {
        byte[] chunk = new byte[CHUNK];
        try {
            for (int read = stream.read(chunk); read >= 0; read = stream.read(chunk)) {
                keep(chunk, read);
                for (int i = 0; i < read; i++) {
                    take(chunk[i]);
                }
            }
        } catch (IOException e) {
            // Closed because the process has been ended: there is no more to read.
        }
        tell();
    }

    private void take(byte b) {
        if (b == '\n') {
            tell();
        } else if (line.size() < LONGEST_LINE) {
            line.write(b);
        }
    }

    private void tell() {
        String text = line.toString(StandardCharsets.UTF_8);
        line.reset();
        if (!text.isBlank()) {
            log.line(pid, text);
        }
    }

    private synchronized void keep(byte[] chunk, int length) {
        byte[] all = Arrays.copyOf(end, end.length + length);
        System.arraycopy(chunk, 0, all, end.length, length);
        end = Arrays.copyOfRange(all, Math.max(0, all.length - CommandRun.STDERR_KEPT), all.length);
    }

    /** The last bytes that have been read. */
    synchronized byte[] end() {
        return end.clone();
    }
}
