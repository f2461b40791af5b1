#include "clocks.h"
#include "figures.h"
#include "stacks.hpp"
#include "steps.h"
#include "workloads.hpp"

static steps spawn(void *context, long wanted) {
  PooledStacks &stacks = *static_cast<PooledStacks *>(context);
  int64_t start = cpu_now();
  for (long number = 0; number < wanted; number++) {
    boost::fibers::fiber(std::allocator_arg, stacks, [] {}).join();
  }
  return {wanted, cpu_now() - start};
}

void measure_spawn(const struct round *round) {
  PooledStacks stacks;
  print_figure("", nanoseconds_per_step(round->duration, spawn, &stacks));
}
