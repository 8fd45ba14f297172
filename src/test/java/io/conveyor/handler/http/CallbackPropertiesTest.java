package io.conveyor.handler.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** The keys of callbacks. */
@ExtendWith(OutputCaptureExtension.class)
class CallbackPropertiesTest {

    private static final String GOOD = secret(32);

    private static String secret(int bytes) {
        return "whsec_" + Base64.getEncoder().encodeToString(new byte[bytes]);
    }

    private static CallbackProperties bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("conveyor.callback", Bindable.of(CallbackProperties.class));
    }

    @Test
    void oneSecretOrTwoAndNamedOnesAreRead() {
        CallbackProperties bound = bind(Map.of(
                "conveyor.callback.secret",
                GOOD,
                "conveyor.callback.secrets.partner",
                GOOD + "," + secret(24),
                "conveyor.callback.secrets.other[0]",
                secret(64)));

        assertThat(bound.unnamed()).hasSize(1);
        assertThat(bound.named()).containsOnlyKeys("other", "partner");
        assertThat(bound.named().get("partner")).hasSize(2);
        assertThat(bind(Map.of("conveyor.callback.secret", GOOD + "," + GOOD)).unnamed())
                .hasSize(2);
        assertThat(bind(Map.of()).unnamed()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "hunter2hunter2", "whsec_", "whsec_c2hvcnQ=", "whsec_not*base64*not*base64*not*base64*"})
    void whatIsNoSecretIsRefusedWithoutShowingIt(String text) {
        Throwable refusal = catchThrowable(() -> new CallbackProperties(List.of(text), Map.of()));

        assertThat(refusal)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("conveyor.callback.secret has a secret that is none")
                .hasMessageContaining("openssl rand -base64 32")
                .hasNoCause();
        if (text.length() > "whsec_".length()) {
            assertThat(refusal.getMessage()).doesNotContain(text.replace("whsec_", ""));
        }
    }

    @Test
    void tooLongSecretsTooManyAndOddNamesAreRefused() {
        assertThatThrownBy(() -> new CallbackProperties(List.of(secret(65)), Map.of()))
                .hasMessageContaining("24 to 64");
        assertThatThrownBy(() -> new CallbackProperties(List.of(GOOD, GOOD, GOOD), Map.of()))
                .hasMessageContaining("at most two");
        assertThatThrownBy(() -> new CallbackProperties(List.of(), Map.of("A B", List.of(GOOD))))
                .hasMessageContaining("letter first");
        assertThatThrownBy(() -> new CallbackProperties(List.of(), Map.of("partner", List.of())))
                .hasMessageContaining("conveyor.callback.secrets.partner");
    }

    @Test
    void aBadSecretStopsTheStartWithASentenceThatDoesNotShowIt(CapturedOutput log) {
        SpringApplication application = new SpringApplication(Holder.class);

        assertThatThrownBy(() -> application.run(
                        "--spring.main.web-application-type=none",
                        "--conveyor.callback.secrets.partner=whsec_opensesame"))
                .isNotNull();

        assertThat(log.getAll())
                .contains("APPLICATION FAILED TO START")
                .contains("conveyor.callback.secrets.partner has a secret that is none")
                .doesNotContain("opensesame");
    }

    @EnableConfigurationProperties(CallbackProperties.class)
    static class Holder {}
}
