// Signal handlers that only leave a note: async-signal-safe, so they can't be Swift.
#pragma once

#include <signal.h>
#include <stdint.h>

enum { CORO_SIGNAL_COUNT = 65 };

// What a loop's signal handlers leave behind. A handler that runs on another thread may hold its
// address for as long as it likes: so it is kept for the next loop, and never freed.
typedef struct coro_signal_box {
  _Atomic int event_descriptor;  // eventfd, written when a bit is set; -1: no loop has the box
  _Atomic int handlers;          // how many run just now
  _Atomic uint64_t pending[2];   // one bit a signal number
  uint64_t generation;           // counts the loops that had it
  struct coro_signal_box *next_spare;
  struct coro_signal_box *next_of_all;
} coro_signal_box;

// What a signal does: the kernel's disposition and, where that is a loop's handler, whose.
typedef struct {
  struct sigaction action;
  coro_signal_box *box;  // NULL: no loop's
  uint64_t generation;
} coro_signal_state;

// NULL with errno set on failure.
coro_signal_box *coro_signal_box_take_spare(void);

// Closes the eventfd. A signal that still goes to the box does what it did before any loop had it.
void coro_signal_box_give_back(coro_signal_box *box);

// The eventfd.
int coro_signal_box_descriptor(coro_signal_box *box);

// Takes the pending bits of signals 0–63 (index 0) or 64 (index 1).
uint64_t coro_signal_box_pending(coro_signal_box *box, int index);

// Routes `number` to `box`. What it did goes to `previous`, what it does to `now`. 0, or -1 with
// errno set.
int coro_signal_install(int number, coro_signal_box *box, coro_signal_state *previous,
                        coro_signal_state *now);

// SIG_DFL or SIG_IGN.
int coro_signal_set_default(int number, coro_signal_state *previous, coro_signal_state *now);
int coro_signal_set_ignored(int number, coro_signal_state *previous, coro_signal_state *now);

// Has the signal do again what it did; if that was a handler of a loop that is gone, what it did
// before any loop had it.
int coro_signal_restore(int number, const coro_signal_state *state, coro_signal_state *previous,
                        coro_signal_state *now);

// The same at the end of a loop, unless somebody else has set the signal since `after`.
void coro_signal_leave(int number, const coro_signal_state *before, const coro_signal_state *after);

// 0: default, 1: ignored, 2: a handler.
int coro_signal_disposition(const struct sigaction *action);

// Gives SIGPIPE an empty handler if its disposition is the default. A handler and not SIG_IGN:
// exec resets it, so that no child inherits it.
void coro_signal_disarm_pipe(void);

// For fork(2): keeps the boxes as they are until one of the two others was called. In the child the
// signals that went to a loop do their default, and the boxes' descriptors are closed.
void coro_signal_before_fork(void);
void coro_signal_after_fork(void);
void coro_signal_in_child(void);
