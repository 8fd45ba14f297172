package demo;

import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.JobKind;
import java.util.Locale;

public final class UpperCase implements JobHandler {

    record Input(String text) {}

    record Output(String text) {}

    @Override
    public JobKind kind() {
        return new JobKind("upper-case", "Turns a text to upper case.", """
                {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}""");
    }

    @Override
    public JobOutput handle(JobContext job) throws JobFailure {
        String text = job.input(Input.class).text();
        if (text.isBlank()) {
            throw JobFailure.invalid("/input/text", "There is nothing to turn.");
        }
        return JobOutput.json(new Output(text.toUpperCase(Locale.ROOT)));
    }
}
