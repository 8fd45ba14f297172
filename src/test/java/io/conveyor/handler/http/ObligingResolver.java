package io.conveyor.handler.http;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.hc.client5.http.DnsResolver;

/**
 * A resolver that understands every spelling of an address that any resolver of this world has understood: decimal, octal and
 * hexadecimal numbers, fewer than four of them, zones, wide characters, percent escapes, dots at the end. Names have the addresses that
 * the bytes of a test say, and others at the next question. Not thread-safe.
 */
final class ObligingResolver implements DnsResolver {

    private final byte[] bytes;

    // Mutable state
    private final List<List<InetAddress>> answers = new ArrayList<>();

    /** @param bytes of the addresses that names have: for each a byte, even for IPv4, and the address */
    ObligingResolver(byte[] bytes) {
        this.bytes = bytes;
    }

    /** All answers that were given. */
    List<List<InetAddress>> answers() {
        return answers;
    }

    @Override
    public InetAddress[] resolve(String host) throws UnknownHostException {
        List<InetAddress> answer = literal(plain(host));
        if (answer.isEmpty()) {
            answer = ofName(answers.size());
        }
        if (answer.isEmpty()) {
            throw new UnknownHostException(host);
        }
        answers.add(answer);
        return answer.toArray(InetAddress[]::new);
    }

    @Override
    public String resolveCanonicalHostname(String host) {
        return host;
    }

    private static String plain(String host) {
        String plain = Normalizer.normalize(host, Normalizer.Form.NFKC).replace('\u3002', '.');
        plain = plain.replaceAll("%2[eE]", ".").replaceAll("%.*", "").replaceAll("[\\[\\]\\s]", "");
        return plain.replaceAll("\\.+$", "");
    }

    private static List<InetAddress> literal(String host) throws UnknownHostException {
        if (host.equalsIgnoreCase("localhost")) {
            return List.of(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}));
        }
        if (host.contains(":")) {
            return host.matches("[0-9a-fA-F:.]+") ? List.of(InetAddress.getByName(host)) : List.of();
        }
        String[] parts = host.split("\\.", -1);
        long[] numbers = new long[parts.length];
        for (int i = 0; i < parts.length; i++) {
            numbers[i] = number(parts[i]);
            if (parts.length > 4 || numbers[i] < 0) {
                return List.of();
            }
        }
        long address = 0;
        for (int i = 0; i < numbers.length - 1; i++) {
            address |= (numbers[i] & 0xff) << (24 - 8 * i);
        }
        address |= numbers[numbers.length - 1] & (0xffff_ffffL >>> (8 * (numbers.length - 1)));
        return List.of(InetAddress.getByAddress(
                new byte[] {(byte) (address >> 24), (byte) (address >> 16), (byte) (address >> 8), (byte) address}));
    }

    /** As inet_aton reads it, or -1. */
    private static long number(String text) {
        String digits = text;
        int radix = 10;
        if (text.matches("0[xX][0-9a-fA-F]{0,15}")) {
            radix = 16;
            digits = "0" + text.substring(2);
        } else if (text.matches("0[0-7]{0,20}")) {
            radix = 8;
        } else if (!text.matches("[0-9]{1,18}")) {
            return -1;
        }
        return Long.parseLong(digits, radix);
    }

    private List<InetAddress> ofName(int question) throws UnknownHostException {
        List<InetAddress> found = new ArrayList<>();
        int at = 0;
        while (at < bytes.length && found.size() < 4) {
            int length = (bytes[at] ^ question) % 2 == 0 ? 4 : 16;
            found.add(InetAddress.getByAddress(
                    Arrays.copyOf(Arrays.copyOfRange(bytes, at + 1, at + 1 + length), length)));
            at += 1 + length;
        }
        return found.isEmpty() && question > 0
                ? List.of(InetAddress.getByAddress("127.0.0.1", new byte[] {127, 0, 0, 1}))
                : found;
    }
}
