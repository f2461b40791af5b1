// Fibers that yield in turn. Main waits in join and takes no part. Boost's dispatcher does: it is
// in the queue of the ready like a fiber, and each time around it looks for sleepers that are due.
// That is what a yield costs there: with two fibers, every third switch is to the dispatcher.
#include <algorithm>
#include <vector>

#include "clocks.h"
#include "figures.h"
#include "stacks.hpp"
#include "steps.h"
#include "workloads.hpp"

namespace {

struct Times {
  int64_t start = 0;
  int64_t finish = 0;
};

void yield_often(Times &times, long count) {
  // All fibers have started when the first of them comes back from this one.
  boost::this_fiber::yield();
  if (times.start == 0) times.start = cpu_now();
  for (long number = 0; number < count; number++) boost::this_fiber::yield();
  // All others are at their last yield too. Their ends are not measured.
  if (times.finish == 0) times.finish = cpu_now();
}

steps yield_all(void *context, long wanted) {
  long coroutines = *static_cast<long *>(context);
  long count = std::max(2L, wanted / coroutines);
  Times times;
  std::vector<boost::fibers::fiber> fibers;
  fibers.reserve(coroutines);
  for (long number = 0; number < coroutines; number++) {
    fibers.emplace_back(std::allocator_arg, LastingStacks(), [&] { yield_often(times, count); });
  }
  for (auto &fiber : fibers) fiber.join();
  return {coroutines * count, times.finish - times.start};
}

}  // namespace

void measure_yield(const struct round *round) {
  long coroutines = round_number(round, "coroutines");
  print_figure("", nanoseconds_per_step(round->duration, yield_all, &coroutines));
}
