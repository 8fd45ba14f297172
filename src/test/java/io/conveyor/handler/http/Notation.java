package io.conveyor.handler.http;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.StringJoiner;

/** The many ways in which an address can be written as the host of a URL, most of which no honest client uses. */
final class Notation {

    private static final int SMALLEST = 3;

    private Notation() {}

    /**
     * The address that the first bytes are, 4 or 16 of them, written as a host.
     *
     * @param number of the notation, from 3
     */
    static String of(int number, byte[] bytes) {
        int[] b = new int[4];
        for (int i = 0; i < b.length && i < bytes.length; i++) {
            b[i] = bytes[i] & 0xff;
        }
        long all = ((long) b[0] << 24) | (b[1] << 16) | (b[2] << 8) | b[3];
        String dotted = b[0] + "." + b[1] + "." + b[2] + "." + b[3];
        String two = String.format("%x:%x", all >>> 16, all & 0xffff);
        return switch (number - SMALLEST) {
            case 0 -> dotted;
            case 1 -> dotted + ".";
            case 2 -> Long.toString(all);
            case 3 -> "0x" + Long.toHexString(all);
            case 4 -> "0" + Long.toOctalString(all);
            case 5 -> String.format("0%o.0%o.0%o.0%o", b[0], b[1], b[2], b[3]);
            case 6 -> String.format("0x%x.%d.0%o.0X%X", b[0], b[1], b[2], b[3]);
            case 7 -> b[0] + "." + (all & 0xffffff);
            case 8 -> b[0] + "." + b[1] + "." + (all & 0xffff);
            case 9 -> "[::ffff:" + dotted + "]";
            case 10 -> "[::ffff:" + two + "]";
            case 11 -> "[::" + dotted + "]";
            case 12 -> "[64:ff9b::" + two + "]";
            case 13 -> "[2002:" + two + "::1]";
            case 14 -> "[::ffff:0:" + two + "]";
            case 15 -> "[64:ff9b:1::" + two + "]";
            case 16 -> "[2001:0:" + two + "::1]";
            case 17 -> "[" + v6(bytes) + "]";
            case 18 -> "[" + v6(bytes) + "%25lo]";
            case 19 -> "[" + v6(bytes) + "%lo]";
            case 20 -> "user@" + dotted;
            case 21 -> "8.8.8.8@" + dotted;
            case 22 -> "8.8.8.8:80@" + dotted;
            case 23 -> dotted.replace('.', '\u3002');
            case 24 -> wide(dotted);
            case 25 -> dotted.replace(".", "%2e");
            case 26 -> dotted + "\\@8.8.8.8";
            case 27 -> dotted + "#@8.8.8.8";
            case 28 -> "8.8.8.8#@" + dotted;
            case 29 -> dotted + ".nip.example";
            case 30 -> "00" + dotted;
            case 31 -> dotted + ":80:80";
            case 32 -> "[" + dotted + "]";
            case 33 -> dotted + "\t";
            case 34 -> "files.internal@" + dotted;
            default -> dotted + "..";
        };
    }

    private static String v6(byte[] bytes) {
        String hex = HexFormat.of().formatHex(Arrays.copyOf(bytes, 16));
        StringJoiner groups = new StringJoiner(":");
        for (int i = 0; i < hex.length(); i += 4) {
            groups.add(hex.substring(i, i + 4));
        }
        return groups.toString();
    }

    /** In the wide forms of East Asian typography, which IDNA folds to ASCII. */
    private static String wide(String text) {
        StringBuilder wide = new StringBuilder();
        text.chars().forEach(c -> wide.append((char) (c - 0x20 + 0xff00)));
        return wide.toString();
    }
}
