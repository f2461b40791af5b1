#include <cstring>
#include <vector>

#include "clocks.h"
#include "event.hpp"
#include "fail.h"
#include "figures.h"
#include "stacks.hpp"
#include "workloads.hpp"

// Starts so many, each of which waits, then has them end. The time it took, in nanoseconds.
static int64_t spawn_many(PooledStacks &stacks, long count) {
  int64_t start = cpu_now();
  Event event;
  std::vector<boost::fibers::fiber> fibers;
  fibers.reserve(count);
  for (long number = 0; number < count; number++) {
    fibers.emplace_back(std::allocator_arg, stacks, [&event] { event.wait(); });
  }
  // Until all of them wait.
  boost::this_fiber::yield();
  event.set();
  for (auto &fiber : fibers) fiber.join();
  return cpu_now() - start;
}

void measure_spawn_many(const struct round *round) {
  long count = round_number(round, "coroutines");
  const char *kind = round_text(round, "stacks");
  bool is_cached = std::strcmp(kind, "cached") == 0;
  if (!is_cached && std::strcmp(kind, "fresh") != 0) {
    fail_usage("The parameter 'stacks' must be fresh or cached, not '%s'.", kind);
  }
  PooledStacks stacks;
  int64_t time = spawn_many(stacks, count);
  if (is_cached) time = spawn_many(stacks, count);
  print_figure("", static_cast<double>(time) / static_cast<double>(count));
}
