#include "steps.h"

double nanoseconds_per_step(int64_t duration, step_function function, void *context) {
  long wanted = 100;
  while (1) {
    struct steps done = function(context, wanted);
    if (done.nanoseconds >= duration / 8) {
      double scale = (double)duration / (double)done.nanoseconds;
      long last_count = (long)((double)done.count * scale);
      struct steps last = function(context, last_count > 0 ? last_count : 1);
      return (double)last.nanoseconds / (double)last.count;
    }
    wanted = done.count * 4;
  }
}
