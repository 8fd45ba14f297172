package io.conveyor.bench;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.http.converter.autoconfigure.HttpMessageConvertersAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.servlet.autoconfigure.HttpEncodingAutoConfiguration;
import org.springframework.boot.test.context.TestComponent;
import org.springframework.boot.tomcat.autoconfigure.servlet.TomcatServletWebServerAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.WebMvcAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.error.ErrorMvcAutoConfiguration;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/** What Spring MVC costs by itself: one JSON record in, the same out, and nothing else of what is on the class path. */
@TestComponent // keeps it out of the service's own component scan in tests
@RestController
@ImportAutoConfiguration({
    TomcatServletWebServerAutoConfiguration.class,
    DispatcherServletAutoConfiguration.class,
    HttpEncodingAutoConfiguration.class,
    JacksonAutoConfiguration.class,
    HttpMessageConvertersAutoConfiguration.class,
    WebMvcAutoConfiguration.class,
    ErrorMvcAutoConfiguration.class
})
class EchoApplication {

    record Message(String kind, long input) {}

    @PostMapping("/echo")
    Message echo(@RequestBody Message message) {
        return message;
    }

    /** Reads a body of lines and does nothing but count them: what a container takes for the upload alone. */
    @PostMapping("/lines")
    Message lines(InputStream body) throws IOException {
        byte[] buffer = new byte[64 * 1024];
        long lines = 0;
        for (int n = body.read(buffer); n >= 0; n = body.read(buffer)) {
            for (int i = 0; i < n; i++) {
                lines += buffer[i] == '\n' ? 1 : 0;
            }
        }
        return new Message("lines", lines);
    }

    /** Writes so many bytes in pieces of 8 KiB: what a container takes for the results alone. */
    @GetMapping("/bytes/{count}")
    void bytes(@PathVariable("count") long count, HttpServletResponse response) throws IOException {
        byte[] piece = new byte[8 * 1024];
        Arrays.fill(piece, (byte) '\n');
        OutputStream out = response.getOutputStream();
        for (long left = count; left > 0; left -= piece.length) {
            out.write(piece, 0, (int) Math.min(left, piece.length));
        }
    }

    public static void main(String[] args) {
        SpringApplication.run(EchoApplication.class, args);
    }
}
