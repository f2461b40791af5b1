#define _GNU_SOURCE 1
#include "coro_signal.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static coro_signal_box *_Atomic boxes[CORO_SIGNAL_COUNT];

// For everything but the handler itself.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static coro_signal_box *spares;
static coro_signal_box *every_box;
// What each signal did when no loop had it.
static struct sigaction before_loops[CORO_SIGNAL_COUNT];

// MARK: Boxes

coro_signal_box *coro_signal_box_take_spare(void) {
  int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (descriptor < 0) return NULL;
  pthread_mutex_lock(&lock);
  coro_signal_box *box = spares;
  if (box) {
    spares = box->next_spare;
  } else if ((box = calloc(1, sizeof *box))) {
    box->next_of_all = every_box;
    every_box = box;
  }
  if (box) {
    for (int i = 0; i < 2; i++) (void)coro_signal_box_pending(box, i);
    __c11_atomic_store(&box->event_descriptor, descriptor, __ATOMIC_SEQ_CST);
  }
  pthread_mutex_unlock(&lock);
  if (!box) {
    close(descriptor);
    errno = ENOMEM;
  }
  return box;
}

static void route_elsewhere(coro_signal_box *box);

void coro_signal_box_give_back(coro_signal_box *box) {
  pthread_mutex_lock(&lock);
  route_elsewhere(box);
  box->generation++;
  int descriptor = __c11_atomic_exchange(&box->event_descriptor, -1, __ATOMIC_SEQ_CST);
  // A handler on another thread may be about to write: it takes a moment. One that was itself
  // interrupted for good keeps the descriptor open.
  for (int tries = 0; tries < 10000; tries++) {
    if (__c11_atomic_load(&box->handlers, __ATOMIC_SEQ_CST) == 0) {
      close(descriptor);
      break;
    }
    sched_yield();
  }
  box->next_spare = spares;
  spares = box;
  pthread_mutex_unlock(&lock);
}

int coro_signal_box_descriptor(coro_signal_box *box) { return box->event_descriptor; }

uint64_t coro_signal_box_pending(coro_signal_box *box, int index) {
  return __c11_atomic_exchange(&box->pending[index], 0, __ATOMIC_ACQ_REL);
}

static void note_signal(int number) {
  int saved_errno = errno;
  coro_signal_box *box = __c11_atomic_load(&boxes[number], __ATOMIC_ACQUIRE);
  if (box) {
    __c11_atomic_fetch_add(&box->handlers, 1, __ATOMIC_SEQ_CST);
    __c11_atomic_fetch_or(&box->pending[number / 64], UINT64_C(1) << (number % 64),
                          __ATOMIC_ACQ_REL);
    int descriptor = __c11_atomic_load(&box->event_descriptor, __ATOMIC_SEQ_CST);
    uint64_t one = 1;
    // EAGAIN: the counter is full, so a wake-up is under way already.
    while (descriptor >= 0 && write(descriptor, &one, sizeof one) < 0 && errno == EINTR) continue;
    __c11_atomic_fetch_sub(&box->handlers, 1, __ATOMIC_SEQ_CST);
  }
  errno = saved_errno;
}

// MARK: Dispositions, under the lock

static void ignore_signal(int number) { (void)number; }

static int set_handler(int number, void (*handler)(int), struct sigaction *previous) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  // SA_ONSTACK: a coroutine's stack has little room to spare for a signal frame.
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  return sigaction(number, &action, previous);
}

static int is_a_loops(const struct sigaction *action) {
  return !(action->sa_flags & SA_SIGINFO) && action->sa_handler == note_signal;
}

static coro_signal_box *box_of(int number) {
  return __c11_atomic_load(&boxes[number], __ATOMIC_ACQUIRE);
}

static void complete(coro_signal_state *state, coro_signal_box *box) {
  state->box = is_a_loops(&state->action) ? box : NULL;
  state->generation = state->box ? state->box->generation : 0;
}

static int look(int number, coro_signal_state *now) {
  int result = sigaction(number, NULL, &now->action);
  if (result == 0) complete(now, box_of(number));
  return result;
}

static int install(int number, coro_signal_box *box, struct sigaction *previous) {
  coro_signal_box *before = __c11_atomic_exchange(&boxes[number], box, __ATOMIC_ACQ_REL);
  int result = set_handler(number, note_signal, previous);
  if (result != 0) {
    __c11_atomic_store(&boxes[number], before, __ATOMIC_RELEASE);
  } else if (!is_a_loops(previous)) {
    before_loops[number] = *previous;
  }
  return result;
}

static int restore(int number, const coro_signal_state *state) {
  struct sigaction ignored;
  if (!state->box) return sigaction(number, &state->action, NULL);
  if (state->box->generation == state->generation) return install(number, state->box, &ignored);
  return sigaction(number, &before_loops[number], NULL);
}

static int is_the_same(const coro_signal_state *one, const coro_signal_state *other) {
  if ((one->action.sa_flags ^ other->action.sa_flags) & SA_SIGINFO) return 0;
  if (one->action.sa_flags & SA_SIGINFO) {
    return one->action.sa_sigaction == other->action.sa_sigaction;
  }
  return one->action.sa_handler == other->action.sa_handler && one->box == other->box &&
         one->generation == other->generation;
}

// Another loop may have given a signal back to the one whose box this is, after that one had left.
static void route_elsewhere(coro_signal_box *box) {
  for (int number = 1; number < CORO_SIGNAL_COUNT; number++) {
    if (box_of(number) != box) continue;
    coro_signal_state now;
    if (look(number, &now) == 0 && now.box == box) {
      (void)sigaction(number, &before_loops[number], NULL);
    }
    __c11_atomic_store(&boxes[number], NULL, __ATOMIC_RELEASE);
  }
}

// MARK: Dispositions

typedef enum { INSTALL, DEFAULT, IGNORE, RESTORE } change;

static int set(int number, change what, const void *argument, coro_signal_state *previous,
               coro_signal_state *now) {
  if (number < 1 || number >= CORO_SIGNAL_COUNT) {
    errno = EINVAL;
    return -1;
  }
  pthread_mutex_lock(&lock);
  struct sigaction ignored;
  int result = look(number, previous);
  if (result == 0) {
    switch (what) {
      case INSTALL: result = install(number, (coro_signal_box *)argument, &ignored); break;
      case DEFAULT: result = set_handler(number, SIG_DFL, NULL); break;
      case IGNORE: result = set_handler(number, SIG_IGN, NULL); break;
      case RESTORE: result = restore(number, argument); break;
    }
  }
  if (result == 0) result = look(number, now);
  int reason = errno;
  pthread_mutex_unlock(&lock);
  errno = reason;
  return result;
}

int coro_signal_install(int number, coro_signal_box *box, coro_signal_state *previous,
                        coro_signal_state *now) {
  return set(number, INSTALL, box, previous, now);
}

int coro_signal_set_default(int number, coro_signal_state *previous, coro_signal_state *now) {
  return set(number, DEFAULT, NULL, previous, now);
}

int coro_signal_set_ignored(int number, coro_signal_state *previous, coro_signal_state *now) {
  return set(number, IGNORE, NULL, previous, now);
}

int coro_signal_restore(int number, const coro_signal_state *state, coro_signal_state *previous,
                        coro_signal_state *now) {
  return set(number, RESTORE, state, previous, now);
}

void coro_signal_leave(int number, const coro_signal_state *before,
                       const coro_signal_state *after) {
  pthread_mutex_lock(&lock);
  coro_signal_state now;
  if (look(number, &now) == 0 && is_the_same(&now, after)) (void)restore(number, before);
  pthread_mutex_unlock(&lock);
}

int coro_signal_disposition(const struct sigaction *action) {
  if (action->sa_flags & SA_SIGINFO) return 2;
  if (action->sa_handler == SIG_DFL) return 0;
  if (action->sa_handler == SIG_IGN) return 1;
  return 2;
}

void coro_signal_disarm_pipe(void) {
  struct sigaction current;
  if (sigaction(SIGPIPE, NULL, &current) != 0 || coro_signal_disposition(&current) != 0) return;
  set_handler(SIGPIPE, ignore_signal, NULL);
}

// MARK: fork

void coro_signal_before_fork(void) { pthread_mutex_lock(&lock); }

void coro_signal_after_fork(void) { pthread_mutex_unlock(&lock); }

void coro_signal_in_child(void) {
  for (int number = 1; number < CORO_SIGNAL_COUNT; number++) {
    struct sigaction now;
    if (box_of(number) == NULL) continue;
    if (sigaction(number, NULL, &now) == 0 && is_a_loops(&now)) set_handler(number, SIG_DFL, NULL);
    __c11_atomic_store(&boxes[number], NULL, __ATOMIC_RELEASE);
  }
  for (coro_signal_box *box = every_box; box != NULL; box = box->next_of_all) {
    if (box->event_descriptor >= 0) close(box->event_descriptor);
    // Whoever has a signal's state from before the fork gives it back to nobody.
    box->event_descriptor = -1;
    box->generation++;
  }
  every_box = NULL;
  spares = NULL;
  pthread_mutex_unlock(&lock);
}
