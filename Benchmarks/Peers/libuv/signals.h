// The workload `signal`.
#pragma once

#include "command_line.h"

void measure_signal(const struct round *round);
