#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fail.h"

struct rest {
  uv_write_t request;
  rest_callback done;
  char bytes[];
};

static void end_rest(uv_write_t *request, int status) {
  struct rest *rest = (struct rest *)request;
  uv_stream_t *stream = request->handle;
  rest_callback done = rest->done;
  free(rest);
  done(stream, status);
}

int send_bytes(uv_stream_t *stream, const char *bytes, size_t count, rest_callback done) {
  uv_buf_t all = uv_buf_init((char *)bytes, (unsigned)count);
  int sent = uv_try_write(stream, &all, 1);
  if (sent == UV_EAGAIN) sent = 0;
  if (sent < 0) return sent;
  size_t left = count - (size_t)sent;
  if (left == 0) return 1;

  struct rest *rest = malloc(sizeof *rest + left);
  if (rest == NULL) fail("No memory for a rest", errno);
  rest->done = done;
  memcpy(rest->bytes, bytes + sent, left);
  uv_buf_t part = uv_buf_init(rest->bytes, (unsigned)left);
  check("uv_write", uv_write(&rest->request, stream, &part, 1, end_rest));
  return 0;
}
