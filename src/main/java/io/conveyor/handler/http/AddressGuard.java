package io.conveyor.handler.http;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.hc.client5.http.DnsResolver;
import org.springframework.boot.http.client.InetAddressFilter;

/**
 * The rule on where {@code http} jobs may connect to: public addresses, and what the operator allows beside them. It
 * sits where the client turns a name into the address that it then connects to, so that a name which resolves
 * differently the second time gains nothing: there is no second time. Immutable, so safe for all threads.
 */
final class AddressGuard implements DnsResolver {

    /** A host name as operators write it: letters in its last label, so that no spelling of an address passes for one. */
    private static final Pattern HOST_NAME = Pattern.compile(
            "([a-z0-9_]([a-z0-9_-]*[a-z0-9])?\\.)*[a-z]([a-z0-9_-]*[a-z0-9])?", Pattern.CASE_INSENSITIVE);

    /**
     * Boot's rule on internal and special addresses (private, loopback, link-local, multicast, unspecified, NAT64, 6to4
     * and more), and three things that it lets through: IPv6 outside the global unicast block, where IPv4 addresses hide
     * in old notations ({@code ::127.0.0.1}), what is there for documentation since RFC 9637, and the metadata address of
     * Azure, which looks public.
     */
    private static final InetAddressFilter PUBLIC = InetAddressFilter.externalAddresses()
            .and(InetAddressFilter.adapt(Inet4Address.class::isInstance).or("2000::/3"))
            .andNot("3fff::/20", "168.63.129.16");

    private final DnsResolver resolver;
    private final Set<String> hosts = new HashSet<>();
    private final InetAddressFilter open;

    AddressGuard(DnsResolver resolver, List<String> allow) {
        this.resolver = resolver;
        InetAddressFilter filter = PUBLIC;
        for (String entry : allow) {
            if (isHostName(entry)) {
                hosts.add(normal(entry));
            } else {
                filter = filter.or(entry);
            }
        }
        open = filter;
    }

    /**
     * Holds an entry of {@code conveyor.http.allow} against its forms.
     *
     * @throws IllegalArgumentException when it has none of them
     */
    static void checkEntry(String entry) {
        if (isHostName(entry)) {
            return;
        }
        try {
            InetAddressFilter.of(entry);
        } catch (IllegalArgumentException e) {
            // Not as the cause: Boot tells the operator the root cause alone.
            throw new IllegalArgumentException(
                    "conveyor.http.allow has '" + entry + "', which is neither a host name (files.internal), nor an"
                            + " address (10.1.2.3), nor a CIDR block (10.0.0.0/8)");
        }
    }

    @Override
    public InetAddress[] resolve(String host) throws UnknownHostException {
        InetAddress[] addresses = resolver.resolve(host);
        if (hosts.contains(normal(host))) {
            return addresses;
        }
        InetAddress[] allowed = Arrays.stream(addresses).filter(open::matches).toArray(InetAddress[]::new);
        if (allowed.length == 0 && addresses.length > 0) {
            throw new RefusedException(host);
        }
        return allowed;
    }

    @Override
    public String resolveCanonicalHostname(String host) {
        return host;
    }

    private static boolean isHostName(String entry) {
        return HOST_NAME.matcher(entry).matches();
    }

    private static String normal(String host) {
        String lower = host.toLowerCase(Locale.ROOT);
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }

    /** A host all of whose addresses are out of bounds. */
    static final class RefusedException extends UnknownHostException {

        private static final long serialVersionUID = 1L;

        RefusedException(String host) {
            super(host);
        }
    }
}
