#include <chrono>
#include <vector>

#include "clocks.h"
#include "figures.h"
#include "stacks.hpp"
#include "workloads.hpp"

using namespace std::chrono;
using boost::this_fiber::sleep_for;

void measure_timers(const struct round *round) {
  long sleepers = round_number(round, "sleepers");
  long wake_ups = 0;
  bool shall_stop = false;
  std::vector<boost::fibers::fiber> fibers;
  fibers.reserve(sleepers);
  for (long number = 0; number < sleepers; number++) {
    fibers.emplace_back(std::allocator_arg, LastingStacks(), [&] {
      while (!shall_stop) {
        sleep_for(milliseconds(1));
        wake_ups++;
      }
    });
  }
  // What follows the start is not yet the steady state.
  sleep_for(nanoseconds(round->duration / 4));
  long first_count = wake_ups;
  int64_t first_time = cpu_now();
  sleep_for(nanoseconds(round->duration));
  int64_t time = cpu_now() - first_time;
  long count = wake_ups - first_count;

  shall_stop = true;
  for (auto &fiber : fibers) fiber.join();
  print_figure("CPU", static_cast<double>(time) / static_cast<double>(count));
}

void measure_pending(const struct round *round) {
  long timers = round_number(round, "timers");
  int64_t start = cpu_now();
  std::vector<boost::fibers::fiber> fibers;
  fibers.reserve(timers);
  for (long number = 0; number < timers; number++) {
    nanoseconds duration = seconds(1) + nanoseconds(seconds(1)) * number / timers;
    fibers.emplace_back(std::allocator_arg, LastingStacks(), [=] { sleep_for(duration); });
  }
  for (auto &fiber : fibers) fiber.join();
  print_figure("CPU", static_cast<double>(cpu_now() - start) / static_cast<double>(timers));
}

void measure_overshoot(const struct round *round) {
  samples late = {};
  int64_t end = wall_now() + round->duration;
  while (wall_now() < end) {
    int64_t start = wall_now();
    sleep_for(milliseconds(1));
    add_sample(&late, wall_now() - start - 1000000);
  }
  print_percentiles(&late);
}
