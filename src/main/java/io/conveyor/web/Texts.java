package io.conveyor.web;

/** Keeps what a client sent presentable when an answer quotes it. */
public final class Texts {

    /** Characters of a quoted value: enough to recognise it, no more than a line. */
    private static final int EXCERPT = 80;

    private Texts() {}

    /** The beginning of the text, with control characters shown as a question mark. */
    public static String excerpt(String text) {
        String line = text.replaceAll("\\p{Cntrl}", "?");
        if (line.length() <= EXCERPT) {
            return line;
        }
        int end = Character.isHighSurrogate(line.charAt(EXCERPT - 1)) ? EXCERPT - 1 : EXCERPT;
        return line.substring(0, end) + "…";
    }
}
