package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Clients that follow the results of one batch and compare each line with the one that must come, and clients that ask and
 * then read nothing. Methods belong to the test's thread.
 *
 * <p><b>Threads and state.</b> One thread reads for all; what it finds is read after a latch or from a queue. A follower
 * whose stream is not as it must be is dropped, with a note in {@link #failures}.
 */
final class ManyReaders implements Closeable {

    private static final int BUFFER_BYTES = 256 * 1024;

    /** Bytes; the least that a kernel gives. */
    private static final int SMALL_RECEIVE_BUFFER = 2048;

    private static final byte[] DATA = bytes("data: ");
    private static final byte[] RESULT = bytes("data: {\"index\":");

    private final URI service;
    private final List<Known> orders;
    private final int total;
    private final Selector selector = Selector.open();
    private final byte[] data = new byte[BUFFER_BYTES];
    private final ByteBuffer buffer = ByteBuffer.wrap(data);
    private final Thread thread = new Thread(this::run, "readers");
    private final List<SocketChannel> channels = new ArrayList<>();
    private final Queue<String> failures = new ConcurrentLinkedQueue<>();
    private final CountDownLatch caughtUp;
    private final CountDownLatch ended;

    // Mutable state
    /** Written by the test's thread, read by the reading one. */
    private volatile boolean closing;

    /**
     * What is to be read.
     *
     * @param path of the stream
     * @param accept form of the stream
     * @param lines results that are known already, in the order of the stream
     */
    record Known(String path, String accept, List<byte[]> lines) {

        Known(String path, String accept, List<String> lines, boolean events) {
            this(
                    path,
                    accept,
                    lines.stream()
                            .map(line -> bytes(events ? "data: " + line : line))
                            .toList());
        }
    }

    /**
     * @param orders each follower reads one of them, in turn
     * @param total results that the batch will have: one more than are known
     */
    ManyReaders(URI service, List<Known> orders, int total, int followers) throws IOException {
        this.service = service;
        this.orders = orders;
        this.total = total;
        caughtUp = new CountDownLatch(followers);
        ended = new CountDownLatch(followers);
        thread.setDaemon(true);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Opens the followers and as many clients that do not read, in turn. */
    void open() throws IOException {
        for (int n = 0; n < ended.getCount(); n++) {
            Known order = orders.get(n % orders.size());
            SocketChannel follower = connect(order, 0);
            follower.configureBlocking(false);
            follower.register(selector, SelectionKey.OP_READ, new Follower(order));
            connect(order, SMALL_RECEIVE_BUFFER);
        }
        thread.start();
    }

    private SocketChannel connect(Known order, int receiveBytes) throws IOException {
        SocketChannel channel = SocketChannel.open();
        channels.add(channel);
        if (receiveBytes > 0) {
            channel.setOption(StandardSocketOptions.SO_RCVBUF, receiveBytes);
        }
        channel.connect(new InetSocketAddress(service.getHost(), service.getPort()));
        channel.write(ByteBuffer.wrap(
                bytes("GET " + order.path() + " HTTP/1.1\r\nHost: a\r\nAccept: " + order.accept() + "\r\n\r\n")));
        return channel;
    }

    private void run() {
        try {
            while (!closing) {
                selector.select(this::read);
            }
        } catch (IOException | RuntimeException e) {
            failures.add("The reading thread ended: " + e);
        }
    }

    private void read(SelectionKey key) {
        Follower follower = (Follower) key.attachment();
        try {
            int n = ((SocketChannel) key.channel()).read(buffer.clear());
            if (n < 0) {
                throw new EOFException("ended by the service");
            }
            follower.accept(buffer.flip());
        } catch (IOException | RuntimeException | AssertionError e) {
            failures.add(follower.order.path() + " after " + follower.count + " results: " + e);
            key.cancel();
        }
        if (follower.whole) {
            key.cancel();
        }
    }

    /** Waits until each follower has all results that were known at the beginning. */
    void awaitCaughtUp() throws InterruptedException {
        await(caughtUp);
    }

    /** Waits until the stream of each follower is complete. */
    void awaitEnded() throws InterruptedException {
        await(ended);
    }

    private void await(CountDownLatch latch) throws InterruptedException {
        long deadline = System.nanoTime() + ServiceProcess.LONG.toNanos();
        while (!latch.await(1, TimeUnit.SECONDS) && failures.isEmpty()) {
            assertThat(System.nanoTime() - deadline)
                    .as("%d followers are missing", latch.getCount())
                    .isNegative();
        }
        assertThat(failures).isEmpty();
    }

    @Override
    public void close() throws IOException {
        closing = true;
        selector.wakeup();
        for (SocketChannel channel : channels) {
            channel.close();
        }
        selector.close();
    }

    /** A stream that is being read: the framing of chunks outside, lines inside. Belongs to the reading thread. */
    private final class Follower {

        private final Known order;
        private final ByteArrayOutputStream line = new ByteArrayOutputStream();
        /** A line of the head or of the framing. */
        private final StringBuilder framing = new StringBuilder();

        private boolean inBody;
        /** Bytes of the chunk in hand that have not come. */
        private int left;

        private int count;
        private @Nullable String id;
        private boolean whole;

        Follower(Known order) {
            this.order = order;
        }

        void accept(ByteBuffer bytes) {
            while (bytes.hasRemaining()) {
                if (left > 0) {
                    takeData(bytes);
                } else {
                    byte b = bytes.get();
                    if (b == '\n') {
                        frame(framing.toString().strip());
                        framing.setLength(0);
                    } else {
                        framing.append((char) b);
                    }
                }
            }
        }

        private void frame(String text) {
            if (!inBody) {
                inBody = text.isEmpty();
                assertThat(text).doesNotStartWith("HTTP/1.1 4").doesNotStartWith("HTTP/1.1 5");
            } else if (text.equals("0")) {
                assertThat(count).as("results in a complete stream").isEqualTo(total);
                assertThat(line.size()).as("bytes of a line that has no end").isZero();
                whole = true;
                ended.countDown();
            } else if (!text.isEmpty()) {
                left = Integer.parseInt(text, 16);
            }
        }

        private void takeData(ByteBuffer bytes) {
            int end = bytes.position() + Math.min(left, bytes.remaining());
            int from = bytes.position();
            left -= end - from;
            for (int at = from; at < end; at++) {
                if (data[at] == '\n') {
                    line.write(data, from, at - from);
                    line(line.toByteArray());
                    line.reset();
                    from = at + 1;
                }
            }
            line.write(data, from, end - from);
            bytes.position(end);
        }

        private void line(byte[] text) {
            boolean events = order.accept().equals("text/event-stream");
            if (!events || Arrays.equals(text, 0, Math.min(text.length, RESULT.length), RESULT, 0, RESULT.length)) {
                result(text, events);
            } else if (text.length > 4 && text[0] == 'i' && text[1] == 'd') {
                id = new String(text, StandardCharsets.UTF_8);
            }
        }

        private void result(byte[] text, boolean event) {
            if (count < order.lines().size()) {
                if (!Arrays.equals(text, order.lines().get(count))) {
                    throw new AssertionError("not the next result: " + new String(text, StandardCharsets.UTF_8));
                }
            } else {
                String last = new String(
                        text, event ? DATA.length : 0, text.length - (event ? DATA.length : 0), StandardCharsets.UTF_8);
                assertThat(ServiceProcess.JSON.readTree(last).get("seq").asInt())
                        .isEqualTo(count + 1);
            }
            count++;
            if (event) {
                assertThat(id).isEqualTo("id: " + count);
            }
            if (count == order.lines().size()) {
                caughtUp.countDown();
            }
        }
    }
}
