package io.conveyor.batch;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpInputMessage;
import org.springframework.http.HttpOutputMessage;
import org.springframework.http.MediaType;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.http.server.ServletServerHttpResponse;
import org.springframework.stereotype.Component;

/** Lets an {@link Answer} write itself, after Spring has held its types against the Accept header. Keeps nothing. */
@Component
final class AnswerConverter implements HttpMessageConverter<Answer> {

    @Override
    public boolean canRead(Class<?> type, @Nullable MediaType mediaType) {
        return false;
    }

    @Override
    public boolean canWrite(Class<?> type, @Nullable MediaType mediaType) {
        return Answer.class.isAssignableFrom(type);
    }

    @Override
    public List<MediaType> getSupportedMediaTypes() {
        return List.of(MediaType.APPLICATION_JSON);
    }

    /** Types of other classes stay none of our business. */
    @Override
    public List<MediaType> getSupportedMediaTypes(Class<?> type) {
        return canWrite(type, null) ? getSupportedMediaTypes() : List.of();
    }

    @Override
    public Answer read(Class<? extends Answer> type, HttpInputMessage input) {
        throw new HttpMessageNotReadableException("An answer cannot be read", input);
    }

    @Override
    public void write(Answer answer, @Nullable MediaType type, HttpOutputMessage output) throws IOException {
        if (!(output instanceof ServletServerHttpResponse response)) {
            throw new IllegalStateException("Answers are written by a servlet container only");
        }
        answer.writeTo(response.getServletResponse());
    }
}
