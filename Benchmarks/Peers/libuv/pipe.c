// Two sides of one loop, each with a stream to read from and one to write to.
#include "pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "check.h"
#include "clocks.h"
#include "fail.h"
#include "figures.h"
#include "output.h"
#include "steps.h"

struct side {
  uv_pipe_t reader, writer;
  char *message;
  size_t size;
  // How much of a message has arrived.
  size_t received;
  // The trips that it still has to begin; of use to the side that begins them.
  long trips;
};

static void end_rest(uv_stream_t *stream, int status) {
  (void)stream;
  check("uv_write", status);
}

static void send_message(struct side *side) {
  uv_stream_t *writer = (uv_stream_t *)&side->writer;
  check("uv_try_write", send_bytes(writer, side->message, side->size, end_rest));
}

static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  (void)suggested;
  struct side *side = handle->data;
  size_t missing = side->size - side->received;
  *buffer = uv_buf_init(side->message + side->received, (unsigned)missing);
}

// Whether a message is complete.
static _Bool take(struct side *side, ssize_t count) {
  check("read", (int)count);
  side->received += (size_t)count;
  if (side->received < side->size) return 0;
  side->received = 0;
  return 1;
}

static void answer(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  (void)buffer;
  struct side *side = stream->data;
  if (take(side, count)) send_message(side);
}

static void end_trip(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  (void)buffer;
  struct side *side = stream->data;
  if (!take(side, count)) return;
  side->trips -= 1;
  if (side->trips > 0) {
    send_message(side);
  } else {
    uv_stop(stream->loop);
  }
}

static void open_end(uv_pipe_t *end, int descriptor, struct side *side) {
  check("uv_pipe_init", uv_pipe_init(uv_default_loop(), end, 0));
  check("uv_pipe_open", uv_pipe_open(end, descriptor));
  end->data = side;
}

static void connect_sides(struct side *from, struct side *to) {
  int ends[2];
  check("uv_pipe", uv_pipe(ends, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE));
  open_end(&to->reader, ends[0], to);
  open_end(&from->writer, ends[1], from);
}

static void start_side(struct side *side, size_t size, uv_read_cb received) {
  side->size = size;
  side->message = calloc(1, size);
  if (side->message == NULL) fail("No memory for a message", errno);
  uv_stream_t *reader = (uv_stream_t *)&side->reader;
  check("uv_read_start", uv_read_start(reader, lend_buffer, received));
}

static struct steps make_trips(void *context, long wanted) {
  struct side *side = context;
  side->trips = wanted;
  int64_t start = cpu_now();
  send_message(side);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return (struct steps){.count = wanted, .nanoseconds = cpu_now() - start};
}

void measure_pipe(const struct round *round) {
  size_t size = (size_t)round_number(round, "size");
  struct side ping = {0}, pong = {0};
  connect_sides(&ping, &pong);
  connect_sides(&pong, &ping);
  start_side(&ping, size, end_trip);
  start_side(&pong, size, answer);
  print_figure("CPU", nanoseconds_per_step(round->duration, make_trips, &ping) / 1000);
}
