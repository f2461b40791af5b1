// The workload `pipe`.
#pragma once

#include "command_line.h"

void measure_pipe(const struct round *round);
