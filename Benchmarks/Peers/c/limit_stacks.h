// The workload `spawn-many` as the kernel alone can do it.
#pragma once

#include "command_line.h"

void measure_limit_stacks(const struct round *round);
