#include "signals.h"

#include <signal.h>
#include <unistd.h>
#include <uv.h>

#include "check.h"
#include "clocks.h"
#include "figures.h"

struct signals {
  int64_t start, end;
  struct samples samples;
};

static void send_signal(struct signals *signals) {
  signals->start = wall_now();
  kill(getpid(), SIGUSR1);
}

static void arrived(uv_signal_t *handle, int number) {
  (void)number;
  struct signals *signals = handle->loop->data;
  int64_t now = wall_now();
  add_sample(&signals->samples, now - signals->start);
  if (now < signals->end) {
    send_signal(signals);
  } else {
    uv_stop(handle->loop);
  }
}

void measure_signal(const struct round *round) {
  uv_loop_t *loop = uv_default_loop();
  struct signals signals = {.end = wall_now() + round->duration};
  loop->data = &signals;
  uv_signal_t handle;
  check("uv_signal_init", uv_signal_init(loop, &handle));
  check("uv_signal_start", uv_signal_start(&handle, arrived, SIGUSR1));
  send_signal(&signals);
  uv_run(loop, UV_RUN_DEFAULT);
  print_percentiles(&signals.samples);
}
