package io.conveyor.batch;

import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.context.annotation.Import;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/**
 * The whole service on a fresh file and a port of its own, spoken to over HTTP, with jobs that wait for the test. Who
 * needs other settings adds them with {@code @TestPropertySource}. No two classes have the same: Spring stops the service of one
 * for the next, and the belt of a service that was stopped does not start again.
 */
@SpringBootTest(
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {"server.address=127.0.0.1", "conveyor.drain=0s"})
@Import(Gate.class)
abstract class ServiceTest {

    @LocalServerPort
    int port;

    @Autowired
    Gate gate;

    Api api;

    @SuppressWarnings("NullAway.Init")
    ServiceTest() {}

    @DynamicPropertySource
    static void store(DynamicPropertyRegistry registry) {
        String url = freshStore();
        registry.add("spring.datasource.url", () -> url);
    }

    static String freshStore() {
        return "jdbc:sqlite:target/stores/service-" + System.nanoTime() + ".db";
    }

    @BeforeEach
    void open() {
        api = new Api(port);
        gate.open.drainPermits();
        gate.begun.drainPermits();
    }

    @AfterEach
    void letAllThrough() {
        gate.open.release(1_000_000);
    }

    /** One echo job, as a line. */
    static String echo(int n) {
        return "{\"kind\":\"echo\",\"input\":" + n + "}\n";
    }

    /** Echo jobs as lines, numbered from 0. */
    static String echoes(int n) {
        return IntStream.range(0, n).mapToObj(ServiceTest::echo).collect(Collectors.joining());
    }
}
