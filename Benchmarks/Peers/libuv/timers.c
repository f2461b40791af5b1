#include "timers.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "check.h"
#include "clocks.h"
#include "fail.h"
#include "figures.h"

// What the callbacks of a round of `timers` share.
struct sleepers {
  long wake_ups;
  long first_count;
  int64_t first_time;
  uint64_t duration;  // in milliseconds
};

static uv_timer_t *make_timers(long count) {
  uv_timer_t *timers = calloc((size_t)count, sizeof *timers);
  if (timers == NULL) fail("No memory for timers", errno);
  for (long index = 0; index < count; index++) {
    check("uv_timer_init", uv_timer_init(uv_default_loop(), &timers[index]));
  }
  return timers;
}

static void wake_up(uv_timer_t *timer) {
  ((struct sleepers *)timer->loop->data)->wake_ups++;
}

static void end_timers(uv_timer_t *watch) {
  const struct sleepers *sleepers = watch->loop->data;
  int64_t time = cpu_now() - sleepers->first_time;
  long count = sleepers->wake_ups - sleepers->first_count;
  print_figure("CPU", (double)time / (double)count);
  uv_stop(watch->loop);
}

// The end of the warm-up.
static void begin_timers(uv_timer_t *watch) {
  struct sleepers *sleepers = watch->loop->data;
  sleepers->first_count = sleepers->wake_ups;
  sleepers->first_time = cpu_now();
  uv_timer_start(watch, end_timers, sleepers->duration, 0);
}

void measure_timers(const struct round *round) {
  long count = round_number(round, "sleepers");
  struct sleepers sleepers = {.duration = (uint64_t)(round->duration / 1000000)};
  uv_loop_t *loop = uv_default_loop();
  loop->data = &sleepers;
  uv_timer_t *timers = make_timers(count);
  for (long index = 0; index < count; index++) uv_timer_start(&timers[index], wake_up, 1, 1);
  uv_timer_start(make_timers(1), begin_timers, sleepers.duration / 4, 0);
  uv_run(loop, UV_RUN_DEFAULT);
}

// What the callbacks of a round of `overshoot` share.
struct sleep {
  int64_t start, end;
  struct samples samples;
};

static void end_sleep(uv_timer_t *timer) {
  struct sleep *sleep = timer->loop->data;
  int64_t now = wall_now();
  add_sample(&sleep->samples, now - sleep->start - 1000000);
  if (now >= sleep->end) return;
  sleep->start = wall_now();
  uv_timer_start(timer, end_sleep, 1, 0);
}

void measure_overshoot(const struct round *round) {
  uv_loop_t *loop = uv_default_loop();
  struct sleep sleep = {.start = wall_now()};
  sleep.end = sleep.start + round->duration;
  loop->data = &sleep;
  uv_timer_start(make_timers(1), end_sleep, 1, 0);
  uv_run(loop, UV_RUN_DEFAULT);
  print_percentiles(&sleep.samples);
}
