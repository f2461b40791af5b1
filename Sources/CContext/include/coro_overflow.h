// A stack overflow says whose stack it was, before the process dies as it would have anyway.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { CORO_NAME_MAX = 128 };

// What a report says of the running coroutine.
typedef struct coro_overflow_label {
  char name[CORO_NAME_MAX];  // UTF-8
  size_t name_length;        // 0: it was given none
  uint64_t ident;
  size_t stack_size;  // bytes that its code can use; 0: its stack is the thread's
} coro_overflow_label;

// Fills in `label` for the record of the running coroutine. It is called in a signal handler: it
// takes no lock and allocates nothing.
typedef void (*coro_overflow_describe)(void *record, coro_overflow_label *label);

// Has SIGSEGV looked at, once a process: a fault in the `guard_size` bytes below the running
// coroutine's stack is reported on standard error. Every fault, reported or not, then goes to the
// handler that was there, or does what it did by default.
void coro_overflow_watch(size_t guard_size, coro_overflow_describe describe);

// Gives the calling thread an alternate signal stack, unless it has one: a handler can't run on the
// stack that is full. Without memory for it overflows stay unreported.
void coro_overflow_enter_thread(void);

// Takes that signal stack away again. One that the thread had before is left alone.
void coro_overflow_leave_thread(void);
