// What a called function must leave as it was: every callee-saved register.
#pragma once

#include <stdint.h>

// Fills the callee-saved registers with numbers made from `seed`, calls `function(argument)`, and
// says which of them differ afterwards: a bit each. The stack and frame pointers are among them.
uint64_t check_registers(void (*function)(void *), void *argument, uint64_t seed);

// 1 where `check_registers` looks at registers, 0 where it only calls.
extern const int registers_are_checked;
