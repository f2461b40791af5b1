// Signal handlers that only leave a note: async-signal-safe, so they can't be Swift.
#pragma once

#include <signal.h>
#include <stdint.h>

enum { CORO_SIGNAL_COUNT = 65 };

// What a loop has a signal do; order 0: nothing.
typedef struct {
  uint64_t order;  // when it was set, among all settings
  struct sigaction action;
} coro_signal_setting;

// A loop's settings, and what its signal handlers leave behind. Kept for the next loop when its own
// has ended, and never freed.
typedef struct coro_signal_box {
  _Atomic int event_descriptor;  // eventfd, written when a bit is set; -1: no loop has the box
  _Atomic uint64_t pending[2];   // one bit a signal number
  uint64_t was_routed[2];        // the signals whose handlers may have seen the box
  coro_signal_setting settings[CORO_SIGNAL_COUNT];
  struct coro_signal_box *next_spare;
  struct coro_signal_box *next_of_all;
} coro_signal_box;

// What a signal does: the kernel's disposition and, where that is a loop's handler, whose.
typedef struct {
  struct sigaction action;
  coro_signal_box *box;  // NULL: no loop's
} coro_signal_state;

// NULL with errno set on failure.
coro_signal_box *coro_signal_box_take_spare(void);

// Closes the eventfd. What was not taken is left to the loop that has the signal now, if one has.
void coro_signal_box_give_back(coro_signal_box *box);

// The eventfd.
int coro_signal_box_descriptor(coro_signal_box *box);

// Takes the pending bits of signals 0–63 (index 0) or 64 (index 1).
uint64_t coro_signal_box_pending(coro_signal_box *box, int index);

// Takes one signal's pending bit, with what its handlers are about to note: whether it was set.
_Bool coro_signal_box_take(coro_signal_box *box, int number);

// Sets what a signal does, for the loop that has the box: until its end, or until another loop sets
// the same signal, and again after that one's end. What the signal did goes to `previous`. 0, or -1
// with errno set.
//
// A note in the box.
int coro_signal_handle(int number, coro_signal_box *box, coro_signal_state *previous);
// SIG_DFL or SIG_IGN.
int coro_signal_set_default(int number, coro_signal_box *box, coro_signal_state *previous);
int coro_signal_set_ignored(int number, coro_signal_box *box, coro_signal_state *previous);
// What it did once. If that was a loop's handler, the box's own setting is taken back: the signal
// does what the loop says that set it last, or what it did before any loop.
int coro_signal_restore(int number, coro_signal_box *box, const coro_signal_state *state,
                        coro_signal_state *previous);

// Takes all the box's settings back, but leaves alone what somebody else has set since.
void coro_signal_leave(coro_signal_box *box);

// For a note of a signal that the box's loop does not handle: where somebody has put its handler
// back that was there once, the signal does what it should, now and from here on. Otherwise it came
// while the loop set something else, and is lost.
void coro_signal_stray(int number);

// 0: default, 1: ignored, 2: a handler.
int coro_signal_disposition(const struct sigaction *action);

// Gives SIGPIPE an empty handler if its disposition is the default, and no loop has set it. A
// handler and not SIG_IGN: exec resets it, so that no child inherits it.
void coro_signal_disarm_pipe(void);

// For fork(2): keeps the boxes as they are until one of the two others was called. In the child the
// signals that went to a loop do what they did before, and the boxes' descriptors are closed.
void coro_signal_before_fork(void);
void coro_signal_after_fork(void);
void coro_signal_in_child(void);
