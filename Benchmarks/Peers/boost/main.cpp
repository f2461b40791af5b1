#include <boost/version.hpp>
#include <string>

#include "peer.h"
#include "workloads.hpp"

int main(int count, char **arguments) {
  static const workload workloads[] = {
      {"switch", measure_switch},
      {"yield", measure_yield},
      {"spawn", measure_spawn},
      {"spawn-many", measure_spawn_many},
      {"memory", measure_memory},
      {"timers", measure_timers},
      {"pending", measure_pending},
      {"overshoot", measure_overshoot},
      {},
  };
  std::string version = "Boost " + std::to_string(BOOST_VERSION / 100000) + "." +
                        std::to_string(BOOST_VERSION / 100 % 1000);
  peer boost = {version.c_str(), workloads, nullptr};
  return run_peer(&boost, count, arguments);
}
