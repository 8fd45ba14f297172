package io.conveyor.handler.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.fuzz.FuzzInput;
import io.conveyor.handler.JobFailure;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.routing.RoutingSupport;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHost;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;

/**
 * Attacks what keeps {@code http} jobs away from private addresses, from the text of the URL to the addresses that are
 * connected to: {@link HttpUrl}, the client library's own reading of the URL, {@link HttpCall#redirected}, {@link AddressGuard}.
 * The resolver behind them is the most obliging there could be ({@link ObligingResolver}), and answers otherwise each time.
 * Whatever is let through must be public as {@link PublicAddresses} has it, or allowed by name or block; and it must be of the
 * one answer that the guard has seen.
 *
 * <p>An input: how the body is to be read (0 a URL, 1 a redirect's place, 2 addresses that a name has, 3 and more an address,
 * in the notation of that number), what the operator allows (odd: a host and a block), the body.
 */
public final class UrlGuardFuzz {

    private static final URI START = URI.create("http://start.example/a/b?c");

    private UrlGuardFuzz() {}

    /** For the fuzzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        attack(data);
    }

    /** Returns in a word what became of it. */
    public static String attack(byte[] data) {
        FuzzInput input = new FuzzInput(data, 2);
        byte[] body = input.body();
        boolean allowing = input.number(1) % 2 == 1;
        ObligingResolver resolver = new ObligingResolver(body);
        AddressGuard guard = new AddressGuard(
                resolver, allowing ? List.of("files.internal", "10.1.0.0/16", "fd00:1::/32") : List.of());
        String text = new String(body, StandardCharsets.UTF_8);
        try {
            URI uri = switch (input.number(0)) {
                case 0 -> HttpUrl.parse(text);
                case 1 -> redirected(text);
                case 2 -> HttpUrl.parse("http://name.example:80/");
                default -> HttpUrl.parse("http://" + Notation.of(input.number(0), body) + "/");
            };
            return attack(uri, guard, resolver, allowing);
        } catch (JobFailure e) {
            assertThat(e.getMessage()).isNotBlank();
            return "refused-as-url";
        }
    }

    private static URI redirected(String location) throws JobFailure {
        Optional<HttpCall> next =
                new HttpCall(HttpMethod.GET, START, new HttpHeaders(), null).redirected(302, location);
        return next.orElseThrow().uri();
    }

    private static String attack(URI uri, AddressGuard guard, ObligingResolver resolver, boolean allowing) {
        String host = hostConnectedTo(uri);
        assertThat(uri.getRawAuthority()).as("a user or password").doesNotContain("@");
        assertThat(bare(host)).as("the host of %s", uri).isEqualToIgnoringCase(bare(uri.getHost()));
        List<InetAddress> passed;
        try {
            passed = guard.resolve(host, 80).stream()
                    .map(InetSocketAddress::getAddress)
                    .toList();
        } catch (UnknownHostException e) {
            return "refused-by-guard";
        }
        assertThat(resolver.answers()).as("answers that were asked for").hasSize(1);
        assertThat(resolver.answers().get(0)).as("addresses that were seen").containsAll(passed);
        boolean byName = allowing && isAllowedName(host);
        for (InetAddress address : passed) {
            assertThat(byName
                            || PublicAddresses.contains(address.getAddress())
                            || (allowing && isInBlock(address.getAddress())))
                    .as("%s reaches %s", uri, address)
                    .isTrue();
        }
        return byName ? "allowed" : "passed";
    }

    /** Where the client library goes to. */
    private static String hostConnectedTo(URI uri) {
        try {
            HttpHost target = RoutingSupport.determineHost(new HttpUriRequestBase("GET", uri));
            return target.getHostName();
        } catch (HttpException e) {
            throw new AssertionError("The client library does not take " + uri, e);
        }
    }

    private static String bare(String host) {
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    private static boolean isAllowedName(String host) {
        byte[] name =
                (host.endsWith(".") ? host.substring(0, host.length() - 1) : host).getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < name.length; i++) {
            name[i] |= name[i] >= 'A' && name[i] <= 'Z' ? (byte) 0x20 : 0;
        }
        return Arrays.equals(name, "files.internal".getBytes(StandardCharsets.UTF_8));
    }

    private static boolean isInBlock(byte[] address) {
        return address.length == 4
                ? address[0] == 10 && address[1] == 1
                : (address[0] & 0xff) == 0xfd && address[1] == 0 && address[2] == 0 && address[3] == 1;
    }
}
