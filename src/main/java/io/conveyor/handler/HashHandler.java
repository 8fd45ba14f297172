package io.conveyor.handler;

import io.conveyor.job.JobKind;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** The kind {@code hash}: digests a text, over and over if asked to. Real work for a processor. */
@Component
final class HashHandler implements JobHandler {

    private static final List<String> ALGORITHMS = List.of("SHA-256", "SHA-512", "SHA-1", "MD5", "SHA3-256");
    private static final int MOST_ROUNDS = 10_000_000;

    /** How many rounds go by between two looks at the interrupt flag: less than a millisecond of work. */
    private static final int ROUNDS_PER_LOOK = 1024;

    private static final JobKind KIND = new JobKind(
            "hash",
            "Digests the UTF-8 bytes of a text and gives back the digest in hexadecimal; further rounds digest the"
                    + " bytes of the round before.",
            """
            {"type": "object", "required": ["text"], "additionalProperties": false, "properties": {
              "text": {"type": "string"},
              "algorithm": {"enum": ["SHA-256", "SHA-512", "SHA-1", "MD5", "SHA3-256"], "default": "SHA-256"},
              "rounds": {"type": "integer", "minimum": 1, "maximum": 10000000, "default": 1},
              "batch": {"description": "What a job in `then` gets; has no effect here."}}}""");

    @Override
    public JobKind kind() {
        return KIND;
    }

    @Override
    public JobOutput handle(JobContext job) throws JobFailure, InterruptedException, NoSuchAlgorithmException {
        Input input = job.input(Input.class);
        String algorithm = input.algorithm() == null ? "SHA-256" : input.algorithm();
        if (!ALGORITHMS.contains(algorithm)) {
            throw JobFailure.invalid("/input/algorithm", "Give one of " + String.join(", ", ALGORITHMS) + ".");
        }
        int rounds = input.rounds() == null ? 1 : input.rounds();
        if (rounds < 1 || rounds > MOST_ROUNDS) {
            throw JobFailure.invalid("/input/rounds", "Give rounds from 1 to " + MOST_ROUNDS + ".");
        }
        byte[] bytes = input.text().getBytes(StandardCharsets.UTF_8);
        return JobOutput.json(new Output(HexFormat.of().formatHex(digest(algorithm, rounds, bytes))));
    }

    private static byte[] digest(String algorithm, int rounds, byte[] text)
            throws InterruptedException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance(algorithm);
        byte[] bytes = text;
        for (int round = 0; round < rounds; round++) {
            if (round % ROUNDS_PER_LOOK == 0 && Thread.interrupted()) {
                throw new InterruptedException();
            }
            bytes = digest.digest(bytes);
        }
        return bytes;
    }

    record Input(
            String text,
            @Nullable String algorithm,
            @Nullable Integer rounds,
            @Nullable RawJson batch) {}

    record Output(String hex) {}
}
