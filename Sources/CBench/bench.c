#define _GNU_SOURCE 1
#include "CBench.h"

#include <sched.h>

int bench_allowed_processors(int *numbers, int capacity) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  int count = 0;
  for (int number = 0; number < CPU_SETSIZE; number++) {
    if (!CPU_ISSET(number, &set)) continue;
    if (count < capacity) numbers[count] = number;
    count++;
  }
  return count;
}

int bench_pin_to_processors(const int *numbers, int count) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int index = 0; index < count; index++) CPU_SET(numbers[index], &set);
  return sched_setaffinity(0, sizeof set, &set);
}
