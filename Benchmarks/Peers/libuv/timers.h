// The workloads of the clock. libuv's timers count whole milliseconds, of a clock that is read once
// a turn of the loop and rounded down: all that are due in the same one are found in the same turn.
#pragma once

#include "command_line.h"

void measure_timers(const struct round *round);
void measure_overshoot(const struct round *round);
