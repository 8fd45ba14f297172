package io.conveyor.service;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A recording of what a process did to its files and said to its clients, with every byte, as {@code strace} wrote it down:
 * each call with the moments at which it began and ended, in one order for all threads.
 */
final class SystemCalls {

    /** Runs a program so that its recording is written; the program stays the child of who starts it. */
    static List<String> recordTo(Path file) {
        return List.of(
                "strace",
                "-D",
                "-f",
                "--seccomp-bpf",
                "-o",
                file.toString(),
                "-y",
                "-xx",
                "-s",
                "100000000",
                "-e",
                TRACED);
    }

    /** All that changes a file or its name, and what goes to clients. */
    private static final String TRACED =
            "trace=write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,fallocate,fsync,fdatasync,sync_file_range,msync,"
                    + "openat,open,creat,mkdir,mkdirat,unlink,unlinkat,rmdir,rename,renameat,renameat2,link,linkat,symlink,"
                    + "copy_file_range,sendfile,sendto,sendmsg";

    /** How the name of a socket begins. */
    static final String SOCKET = "socket:";

    private static final Pattern RESUMED = Pattern.compile("<\\.\\.\\. (\\w+) resumed>(.*)");
    private static final Pattern RESULT = Pattern.compile("\\)\\s+= (-?\\d+|\\?)");
    private static final Pattern OF_DESCRIPTOR = Pattern.compile("^\\d+<([^>]*)>");
    private static final Pattern LENGTHS = Pattern.compile("-?\\d+");
    private static final Set<String> NAMING =
            Set.of("openat", "open", "creat", "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "truncate");

    /**
     * A call that has ended.
     *
     * @param path the file, or the socket, as the kernel names it
     * @param data what was written; empty if nothing was
     * @param arguments the text behind the first string: flags, sizes, offsets
     * @param begin moment of its begin, counted from the first call on
     * @param end moment of its end
     */
    record Call(String name, String path, byte[] data, String arguments, long result, int begin, int end) {

        boolean succeeded() {
            return result >= 0;
        }

        /** The number at this place among the arguments that are not strings; negative places count from the end. */
        long number(int place) {
            List<Long> numbers = new ArrayList<>();
            Matcher each = LENGTHS.matcher(arguments);
            while (each.find()) {
                numbers.add(Long.valueOf(each.group()));
            }
            return numbers.get(place < 0 ? numbers.size() + place : place);
        }
    }

    /** Half of a call, whose other half comes later. */
    private record Begun(String text, int moment) {}

    private final Map<String, Begun> begun = new HashMap<>();
    private final List<Call> calls = new ArrayList<>();
    private final Predicate<String> wanted;

    // Mutable state: the moment of the last line
    private int moment;

    private SystemCalls(Predicate<String> wanted) {
        this.wanted = wanted;
    }

    /** The calls of a recording on the files wanted, and on sockets, by their begin. */
    static List<Call> read(Path recording, Predicate<String> wanted) throws IOException {
        SystemCalls read = new SystemCalls(wanted);
        try (BufferedReader lines = Files.newBufferedReader(recording, ISO_8859_1)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                read.line(line);
            }
        }
        for (Begun half : read.begun.values()) {
            read.add(half.text() + ") = ?", half.moment(), Integer.MAX_VALUE);
        }
        read.calls.sort((a, b) -> Integer.compare(a.begin(), b.begin()));
        return List.copyOf(read.calls);
    }

    private void line(String line) {
        int space = line.indexOf(' ');
        String thread = line.substring(0, space);
        String text = line.substring(space).stripLeading();
        if (text.startsWith("---") || text.startsWith("+++")) {
            return;
        }
        moment++;
        Matcher resumed = RESUMED.matcher(text);
        if (text.endsWith("<unfinished ...>")) {
            begun.put(thread, new Begun(text.substring(0, text.length() - "<unfinished ...>".length()), moment));
        } else if (resumed.matches()) {
            Begun half = begun.remove(thread);
            if (half != null) {
                add(half.text() + resumed.group(2), half.moment(), moment);
            }
        } else {
            add(text, moment, ++moment);
        }
    }

    private void add(String text, int begin, int end) {
        // Strings are in hexadecimal: what looks like the end of one is.
        Matcher result = RESULT.matcher(text);
        int open = text.indexOf('(');
        if (open < 0 || !result.find(Math.max(open, text.lastIndexOf('"')))) {
            return;
        }
        String name = text.substring(0, open);
        String inside = text.substring(open + 1, result.start());
        int quote = inside.indexOf('"');
        String path = NAMING.contains(name) ? name(inside, quote) : descriptor(inside);
        if (path.startsWith(SOCKET) || wanted.test(path)) {
            byte[] data = NAMING.contains(name) ? new byte[0] : strings(inside, quote);
            String arguments = inside.substring(Math.max(inside.lastIndexOf('"'), inside.indexOf('>')) + 1);
            long answer = result.group(1).equals("?") ? -1 : Long.parseLong(result.group(1));
            calls.add(new Call(name, path, data, arguments, answer, begin, end));
        }
    }

    private static String name(String inside, int quote) {
        return quote < 0 ? "" : plain(inside.substring(quote + 1, inside.indexOf('"', quote + 1)));
    }

    private static String descriptor(String inside) {
        Matcher descriptor = OF_DESCRIPTOR.matcher(inside);
        return descriptor.find() ? plain(descriptor.group(1)) : "";
    }

    /** All strings of a call one after the other: a vector of buffers is written as if it were one. */
    private static byte[] strings(String inside, int firstQuote) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int quote = firstQuote; quote >= 0; ) {
            int end = inside.indexOf('"', quote + 1);
            all.writeBytes(bytes(inside.substring(quote + 1, end)));
            quote = inside.indexOf('"', end + 1);
        }
        return all.toByteArray();
    }

    /** Names of descriptors stand in hexadecimal or as they are, as the release of strace likes. */
    private static String plain(String name) {
        return name.startsWith("\\x") ? new String(bytes(name), ISO_8859_1) : name;
    }

    private static byte[] bytes(String escaped) {
        byte[] bytes = new byte[escaped.length() / 4];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) HexFormat.fromHexDigits(escaped, 4 * i + 2, 4 * i + 4);
        }
        return bytes;
    }
}
