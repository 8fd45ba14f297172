package io.conveyor.web;

import org.apache.coyote.http11.Http11NioProtocol;

/**
 * HTTP/1.1 with small buffers for each response. By default Tomcat keeps 24 KiB of them for each connection that waits, of
 * which streams, that come with a buffer of their own, need nothing: a thousand of them would fill a small heap. Made by
 * Tomcat from its name.
 */
public final class LeanProtocol extends Http11NioProtocol {

    /** Bytes, and characters, that a response collects before it is sent; 1 KiB holds most answers of the API. */
    private static final int BUFFER = 1024;

    @Override
    public int getDesiredBufferSize() {
        return BUFFER;
    }
}
