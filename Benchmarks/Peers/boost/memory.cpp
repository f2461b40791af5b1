#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "clocks.h"
#include "event.hpp"
#include "figures.h"
#include "stacks.hpp"
#include "workloads.hpp"

namespace {

// In bytes.
struct MemoryUse {
  double group = NAN;
  double resident = NAN;
  double page_tables = NAN;
};

MemoryUse memory_use() {
  MemoryUse use;
  if (const char *path = std::getenv("CORO_BENCH_GROUP_MEMORY")) {
    double bytes;
    if (std::ifstream(path) >> bytes) use.group = bytes;
  }
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double *figure = word == "VmRSS:"   ? &use.resident
                     : word == "VmPTE:" ? &use.page_tables
                                        : nullptr;
    if (figure != nullptr && status >> *figure) *figure *= 1024;
  }
  return use;
}

}  // namespace

void measure_memory(const struct round *round) {
  long count = round_number(round, "coroutines");
  Event event;
  std::vector<boost::fibers::fiber> fibers;
  fibers.reserve(count + 1);
  auto start_one = [&] {
    fibers.emplace_back(std::allocator_arg, LastingStacks(), [&event] { event.wait(); });
  };
  // The first one brings what all share.
  start_one();
  boost::this_fiber::yield();

  MemoryUse before = memory_use();
  int64_t start = cpu_now();
  for (long number = 0; number < count; number++) start_one();
  // Until all of them wait.
  boost::this_fiber::yield();
  int64_t time = cpu_now() - start;
  MemoryUse after = memory_use();

  double each = static_cast<double>(count);
  print_figure("group", (after.group - before.group) / each);
  print_figure("resident", (after.resident - before.resident) / each);
  print_figure("page tables", (after.page_tables - before.page_tables) / each);
  print_figure("spawn", static_cast<double>(time) / each);
  event.set();
  for (auto &fiber : fibers) fiber.join();
}
