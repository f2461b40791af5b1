// The workload `pipe` as the kernel alone can do it.
#pragma once

#include "command_line.h"

void measure_limit_pipe(const struct round *round);
