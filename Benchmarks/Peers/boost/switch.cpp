// Boost.Context alone: main and one context hand over to each other, without any scheduler.
#include <boost/context/fiber.hpp>
#include <cstring>

#include "clocks.h"
#include "fail.h"
#include "figures.h"
#include "steps.h"
#include "workloads.hpp"

using boost::context::fiber;

static steps hand_over(void *context, long wanted) {
  fiber &other = *static_cast<fiber *>(context);
  // There and back are two switches.
  long trips = (wanted + 1) / 2;
  int64_t start = cpu_now();
  for (long trip = 0; trip < trips; trip++) other = std::move(other).resume();
  return {trips * 2, cpu_now() - start};
}

void measure_switch(const struct round *round) {
  const char *through = round_text(round, "through");
  if (std::strcmp(through, "jump") != 0) {
    fail_usage("The parameter 'through' must be jump, not '%s'.", through);
  }
  fiber other([](fiber &&main) {
    while (true) main = std::move(main).resume();
    return std::move(main);
  });
  print_figure("", nanoseconds_per_step(round->duration, hand_over, &other));
}
