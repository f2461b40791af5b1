// What is measured, a file each.
#pragma once

#include "command_line.h"

void measure_switch(const struct round *round);
void measure_yield(const struct round *round);
void measure_spawn(const struct round *round);
void measure_spawn_many(const struct round *round);
void measure_memory(const struct round *round);
void measure_timers(const struct round *round);
void measure_pending(const struct round *round);
void measure_overshoot(const struct round *round);
