package io.conveyor.limit;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.ConfigurationPropertiesSource;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What the operator allows jobs of a sort: {@code conveyor.limits.NAME.*}.
 *
 * @param limits by name: 1 to 64 characters of a-z, 0-9, '-', starting with a letter
 */
@ConfigurationProperties("conveyor")
public record LimitProperties(@DefaultValue Map<String, Rule> limits) {

    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,63}");
    private static final Pattern ENDING_DOT = Pattern.compile("\\.(?=(:[0-9]+)?$)");
    private static final Duration LONGEST = Duration.ofDays(1);
    private static final int MOST = 1_000_000;

    public LimitProperties {
        limits = new TreeMap<>(limits);
        limits.forEach(LimitProperties::check);
    }

    /**
     * One limit. It holds for jobs of any of the kinds that call any of the hosts; all jobs that it holds for share it.
     *
     * @param kinds names of kinds; none for all
     * @param hosts what jobs call: a host, with or without its port; none for whatever they call
     * @param concurrency how many of these jobs run at once on this node, 1 to 1000000; any number when not given
     * @param rate how many of them start within the time of {@code per}, 1 to 1000000; any number when not given
     * @param per the time that the rate is about, 1 ms to 1 day
     */
    @ConfigurationPropertiesSource
    public record Rule(
            @DefaultValue List<String> kinds,
            @DefaultValue List<String> hosts,
            @Nullable Integer concurrency,
            @Nullable Integer rate,
            @DefaultValue("1s") Duration per) {

        public Rule {
            kinds = List.copyOf(kinds);
            hosts = hosts.stream().map(Rule::plain).toList();
        }

        /** One for all ways to write a name: in lower case, and without the dot that may end it. */
        private static String plain(String host) {
            return ENDING_DOT.matcher(host.toLowerCase(Locale.ROOT)).replaceFirst("");
        }

        /**
         * Whether it holds for such a job.
         *
         * @param target what the job calls, a host with its port in lower case, or null
         */
        boolean holdsFor(String kind, @Nullable String target) {
            return (kinds.isEmpty() || kinds.contains(kind)) && (hosts.isEmpty() || isOneOfTheHosts(target));
        }

        private boolean isOneOfTheHosts(@Nullable String target) {
            return target != null
                    && (hosts.contains(target)
                            || hosts.contains(target.substring(0, Math.max(0, target.lastIndexOf(':')))));
        }
    }

    private static void check(String name, Rule rule) {
        String key = "conveyor.limits." + name;
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    key + " needs another name: 1 to 64 of a-z, 0-9 and '-', a letter first");
        }
        if (rule.kinds().isEmpty() && rule.hosts().isEmpty()) {
            throw new IllegalArgumentException(key + " says for no job that it holds for it; add " + key
                    + ".kinds, such as http, or " + key + ".hosts, such as api.example.com");
        }
        if (rule.concurrency() == null && rule.rate() == null) {
            throw new IllegalArgumentException(key + " limits nothing; add " + key
                    + ".concurrency, how many jobs run at once, or " + key + ".rate, how many start in a second");
        }
        rule.hosts().stream().filter(host -> host.contains("://")).findFirst().ifPresent(url -> {
            throw new IllegalArgumentException(key + ".hosts has '" + url
                    + "', which no job is compared with; give a host alone, such as api.example.com, or with its port");
        });
        checkNumber(key + ".concurrency", rule.concurrency());
        checkNumber(key + ".rate", rule.rate());
        if (rule.per().toMillis() < 1 || rule.per().compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(key + ".per is " + rule.per() + "; set it from 1ms to 1d, such as 1s");
        }
    }

    private static void checkNumber(String key, @Nullable Integer value) {
        if (value != null && (value < 1 || value > MOST)) {
            throw new IllegalArgumentException(
                    key + " is " + value + "; set it from 1 to " + MOST + ", or leave it out");
        }
    }
}
