package io.conveyor.handler.http;

import java.util.List;

/**
 * Which addresses are public, by the IANA registries of special-purpose addresses (RFC 6890, and what came after it), bit by
 * bit and without anything that the service uses. Keeps nothing.
 */
final class PublicAddresses {

    /** Blocks of IPv4 that are not for everybody: first address, and bits that count. */
    private static final List<int[]> SPECIAL_V4 = List.of(
            block(0, 0, 0, 0, 8), // this network
            block(10, 0, 0, 0, 8),
            block(100, 64, 0, 0, 10), // carriers' own
            block(127, 0, 0, 0, 8),
            block(169, 254, 0, 0, 16), // link-local, metadata of clouds
            block(172, 16, 0, 0, 12),
            block(192, 0, 0, 0, 24), // protocol assignments
            block(192, 0, 2, 0, 24), // documentation
            block(192, 88, 99, 0, 24), // 6to4 relays, gone
            block(192, 168, 0, 0, 16),
            block(198, 18, 0, 0, 15), // benchmarks
            block(198, 51, 100, 0, 24), // documentation
            block(203, 0, 113, 0, 24), // documentation
            block(224, 0, 0, 0, 4), // multicast
            block(240, 0, 0, 0, 4), // reserved, broadcast
            block(168, 63, 129, 16, 32)); // metadata of Azure

    private PublicAddresses() {}

    private static int[] block(int a, int b, int c, int d, int bits) {
        return new int[] {a << 24 | b << 16 | c << 8 | d, bits};
    }

    static boolean contains(byte[] address) {
        return address.length == 4 ? isPublicV4(word(address, 0)) : isPublicV6(address);
    }

    private static boolean isPublicV4(int address) {
        return SPECIAL_V4.stream().noneMatch(block -> (address ^ block[0]) >>> (32 - block[1]) == 0);
    }

    /** Global unicast (2000::/3) without tunnels, in which IPv4 addresses hide, identifiers, and documentation. */
    private static boolean isPublicV6(byte[] address) {
        int first = word(address, 0);
        boolean global = first >>> 29 == 1;
        boolean tunnel = first >>> 16 == 0x2002 || first == 0x2001_0000; // 6to4, Teredo
        boolean benchmark = first == 0x2001_0002 && (address[4] | address[5]) == 0;
        boolean identifier = first >>> 4 == 0x0200_1001 || first >>> 4 == 0x0200_1002; // ORCHID
        boolean documentation = first == 0x2001_0db8 || first >>> 12 == 0x3fff0;
        return global && !tunnel && !benchmark && !identifier && !documentation;
    }

    private static int word(byte[] address, int at) {
        return (address[at] & 0xff) << 24
                | (address[at + 1] & 0xff) << 16
                | (address[at + 2] & 0xff) << 8
                | (address[at + 3] & 0xff);
    }
}
