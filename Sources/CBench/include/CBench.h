// What the benchmark needs of Linux that Swift's Glibc module does not export.
#pragma once

// The processors that the calling thread may run on: fills at most `capacity` numbers, and returns
// how many there are.
int bench_allowed_processors(int *numbers, int capacity);

// Keeps the calling thread, and what it starts from now on, on these processors. 0, or -1 with errno.
int bench_pin_to_processors(const int *numbers, int count);
