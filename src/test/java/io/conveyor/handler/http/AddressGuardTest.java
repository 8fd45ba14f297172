package io.conveyor.handler.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AddressGuardTest {

    private final AddressGuard guard = guard();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "127.1",
                "2130706433",
                "127.255.255.254",
                "localhost",
                "0.0.0.0",
                "10.0.0.1",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
                "169.254.169.254",
                "168.63.129.16",
                "100.64.0.1",
                "100.100.100.200",
                "192.0.0.192",
                "198.18.0.1",
                "224.0.0.1",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::1",
                "::ffff:127.0.0.1",
                "::ffff:10.0.0.1",
                "::127.0.0.1",
                "::ffff:0:127.0.0.1",
                "64:ff9b::7f00:1",
                "64:ff9b::a9fe:a9fe",
                "64:ff9b:1::7f00:1",
                "2002:7f00:1::",
                "fe80::1",
                "fec0::1",
                "fc00::1",
                "fd00:ec2::254",
                "ff02::1",
                "2001:db8::1",
                "3fff::1",
                "3fff:fff:ffff::1",
                "5f00::1",
            })
    void refusesWhatIsNotPublic(String host) {
        assertThatThrownBy(() -> guard.resolve(host, 80)).isInstanceOf(AddressGuard.RefusedException.class);
        assertThatThrownBy(() -> guard.resolve(host)).isInstanceOf(AddressGuard.RefusedException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "8.8.8.8",
                "1.1.1.1",
                "172.15.0.1",
                "172.32.0.1",
                "2001:4860:4860::8888",
                "2606:4700::1111",
                "3fff:1000::1"
            })
    void lets(String host) throws UnknownHostException {
        assertThat(guard.resolve(host, 80)).hasSize(1);
    }

    @Test
    void keepsOnlyThePublicAddressesOfAName() throws UnknownHostException {
        AddressGuard mixed =
                new AddressGuard(names(Map.of("mixed.example", List.of("10.0.0.1", "8.8.8.8"))), List.of());

        assertThat(mixed.resolve("mixed.example")).containsExactly(InetAddress.getByName("8.8.8.8"));
    }

    @Test
    void anAllowedHostMayBePrivate() throws UnknownHostException {
        AddressGuard allowing = new AddressGuard(
                names(Map.of("files.internal", List.of("10.0.0.1"), "other.internal", List.of("10.0.0.1"))),
                List.of("Files.Internal"));

        assertThat(allowing.resolve("files.internal")).hasSize(1);
        assertThat(allowing.resolve("FILES.internal.")).hasSize(1);
        assertThatThrownBy(() -> allowing.resolve("other.internal")).isInstanceOf(AddressGuard.RefusedException.class);
    }

    @Test
    void anAllowedBlockOpensItsAddressesAlone() throws UnknownHostException {
        AddressGuard allowing = guard("10.1.0.0/16", "127.0.0.1", "fd00::/8");

        assertThat(allowing.resolve("10.1.2.3")).hasSize(1);
        assertThat(allowing.resolve("::ffff:10.1.2.3")).hasSize(1);
        assertThat(allowing.resolve("127.0.0.1")).hasSize(1);
        assertThat(allowing.resolve("fd12::1")).hasSize(1);
        assertThat(allowing.resolve("8.8.8.8")).hasSize(1);
        assertThatThrownBy(() -> allowing.resolve("10.2.0.1")).isInstanceOf(AddressGuard.RefusedException.class);
        assertThatThrownBy(() -> allowing.resolve("127.0.0.2")).isInstanceOf(AddressGuard.RefusedException.class);
        assertThatThrownBy(() -> allowing.resolve("::1")).isInstanceOf(AddressGuard.RefusedException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "files.internal", "a-b.c1.d", "10.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"})
    void takesHostsAddressesAndBlocks(String entry) {
        AddressGuard.checkEntry(entry);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "*", "10.0.0.0/33", "2130706433.", "http://a.b", "a.b:80", "a b", "-"})
    void refusesOtherEntriesAndSaysWhatTheyMayBe(String entry) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AddressGuard.checkEntry(entry))
                .withMessageContaining("conveyor.http.allow has '" + entry + "'")
                .withMessageContaining("10.0.0.0/8");
    }

    private static AddressGuard guard(String... allow) {
        return new AddressGuard(SystemDefaultDnsResolver.INSTANCE, List.of(allow));
    }

    static DnsResolver names(Map<String, List<String>> names) {
        return new DnsResolver() {
            @Override
            public InetAddress[] resolve(String host) throws UnknownHostException {
                List<String> addresses = names.get(host.toLowerCase(Locale.ROOT).replaceAll("\\.$", ""));
                if (addresses == null) {
                    throw new UnknownHostException(host);
                }
                InetAddress[] found = new InetAddress[addresses.size()];
                for (int i = 0; i < found.length; i++) {
                    found[i] = InetAddress.getByName(addresses.get(i));
                }
                return found;
            }

            @Override
            public String resolveCanonicalHostname(String host) {
                return host;
            }
        };
    }
}
