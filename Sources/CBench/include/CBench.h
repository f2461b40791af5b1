// What the benchmark needs of Linux that Swift's Glibc module does not export.
#pragma once

#include <sys/types.h>

// The processors that the calling thread may run on: fills at most `capacity` numbers, and returns
// how many there are.
int bench_allowed_processors(int *numbers, int capacity);

// Keeps the calling thread, and what it starts from now on, on these processors. 0, or -1 with
// errno.
int bench_pin_to_processors(const int *numbers, int count);

// Makes room for so many bytes in a pipe, as far as the machine lets us.
void bench_widen(int pipe, int size);

// Fills a pipe with these bytes without copying them: they must not change while anybody may read
// them. Does not block. How many there was room for, or -1 with errno.
ssize_t bench_feed(int pipe, const void *bytes, size_t count);

// Throws away what a pipe holds, `null` being /dev/null, without copying it. Does not block. How
// many bytes that was, 0 at the end of file, or -1 with errno.
ssize_t bench_drain(int pipe, int null, size_t count);

// A descriptor from which to read, as a 64-bit number, how often any process's thread has met the
// tracepoint since; or -1 with errno.
int bench_count_tracepoint(pid_t thread, unsigned long identifier);
