package io.conveyor.ledger;

import java.util.List;
import java.util.stream.Collectors;

/**
 * A batch that a client wants done: its request follows from it, the same every time. Immutable.
 *
 * @param key the name of the batch, its id if {@code ownId}, else its idempotency key; unique in a run
 */
record Plan(String key, Form form, boolean ownId, List<PlannedJob> jobs, Options options) {

    /** How it is handed in. */
    enum Form {
        JSON,
        LINES,
        /** Lines that start while others arrive. */
        LIVE
    }

    /**
     * What the batch says about itself.
     *
     * @param deadlineMillis 0 for none
     * @param maxAttempts 0 for none
     * @param tolerate failed jobs after which the rest is cancelled, or -1
     * @param maxConcurrency 0 for none
     * @param followed whether a batch follows it
     */
    record Options(int deadlineMillis, int maxAttempts, int tolerate, int maxConcurrency, boolean followed) {

        static final Options NONE = new Options(0, 0, -1, 0, false);

        /** Whether the batch may stop by itself. */
        boolean mayStop() {
            return deadlineMillis > 0 || tolerate >= 0;
        }

        private String members() {
            return (deadlineMillis > 0 ? ",\"deadline_ms\":" + deadlineMillis : "")
                    + (maxAttempts > 0 ? ",\"max_attempts\":" + maxAttempts : "")
                    + (tolerate >= 0 ? ",\"on_error\":{\"tolerate\":" + tolerate + "}" : "")
                    + (maxConcurrency > 0 ? ",\"max_concurrency\":" + maxConcurrency : "")
                    + (followed ? ",\"then\":[{\"kind\":\"echo\",\"input\":{\"after\":true}}]" : "");
        }
    }

    Plan {
        jobs = List.copyOf(jobs);
        if (form != Form.JSON && !options.equals(Options.NONE)) {
            throw new IllegalArgumentException("Only a JSON body says something about its batch: " + key);
        }
    }

    String path() {
        String query = form == Form.JSON ? "" : "?name=" + key + (form == Form.LIVE ? "&start=immediately" : "");
        return "/v1/batches" + (ownId ? "/" + key : "") + query;
    }

    String method() {
        return ownId ? "PUT" : "POST";
    }

    String contentType() {
        return form == Form.JSON ? "application/json" : "application/x-ndjson";
    }

    String body() {
        if (form != Form.JSON) {
            return jobs.stream().map(job -> job.json() + "\n").collect(Collectors.joining());
        }
        String list = jobs.stream().map(PlannedJob::json).collect(Collectors.joining(","));
        return "{\"name\":\"" + key + "\"" + options.members() + ",\"jobs\":[" + list + "]}";
    }
}
