// How bytes are sent: at once as far as the kernel takes them, which needs no request and no copy;
// by a request of libuv for the rest.
#pragma once

#include <uv.h>

// STATUS is 0 when the rest is sent, or an error of libuv.
typedef void (*rest_callback)(uv_stream_t *stream, int status);

// 1 if all was sent, and DONE is not called; 0 if DONE will be; or an error.
int send_bytes(uv_stream_t *stream, const char *bytes, size_t count, rest_callback done);
