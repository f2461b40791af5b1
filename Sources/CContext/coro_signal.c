#define _GNU_SOURCE 1
#include "coro_signal.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

// Where each signal's note goes: the box of the loop that was the last to handle it.
static coro_signal_box *_Atomic routes[CORO_SIGNAL_COUNT];
// How many of each signal's handlers run just now, on whichever threads.
static _Atomic int inside[CORO_SIGNAL_COUNT];
// What each signal did when no loop had set it. Two, of which the handler reads the one that is not
// being written.
static struct sigaction before_loops[CORO_SIGNAL_COUNT][2];
static _Atomic int before_index[CORO_SIGNAL_COUNT];

// For everything but the handler itself.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static coro_signal_box *spares;
static coro_signal_box *every_box;
static uint64_t last_order;

// MARK: The handler

static void note_signal(int number);

static _Bool is_note(const struct sigaction *action) {
  return !(action->sa_flags & SA_SIGINFO) && action->sa_handler == note_signal;
}

static struct sigaction handler_action(void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  // SA_ONSTACK: a coroutine's stack has little room to spare for a signal frame.
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  return action;
}

static int set_handler(int number, void (*handler)(int)) {
  struct sigaction action = handler_action(handler);
  return sigaction(number, &action, NULL);
}

static coro_signal_box *route_of(int number) {
  return __c11_atomic_load(&routes[number], __ATOMIC_SEQ_CST);
}

static const struct sigaction *before(int number) {
  return &before_loops[number][__c11_atomic_load(&before_index[number], __ATOMIC_ACQUIRE)];
}

static void note(coro_signal_box *box, int number) {
  __c11_atomic_fetch_or(&box->pending[number / 64], UINT64_C(1) << (number % 64),
                        __ATOMIC_ACQ_REL);
  int descriptor = __c11_atomic_load(&box->event_descriptor, __ATOMIC_SEQ_CST);
  uint64_t one = 1;
  // Not write(3), in which a thread can be cancelled. EAGAIN: the counter is full, so a wake-up is
  // under way already.
  while (descriptor >= 0 && syscall(SYS_write, descriptor, &one, sizeof one) < 0 &&
         errno == EINTR) {
    continue;
  }
}

// No loop has the signal. Somebody has put the handler back that was there before him: system(3) is
// one who does. What came in a loop's last moments is lost; the former action, which may end the
// process, is not for it.
static void do_as_before(int number) {
  struct sigaction now;
  if (sigaction(number, NULL, &now) != 0 || !is_note(&now)) return;
  (void)sigaction(number, before(number), NULL);
  // Unless a loop has set it meanwhile.
  if (route_of(number)) (void)set_handler(number, note_signal);
  // When this handler has returned: until then the signal is blocked.
  raise(number);
}

static void note_signal(int number) {
  int saved_errno = errno;
  __c11_atomic_fetch_add(&inside[number], 1, __ATOMIC_SEQ_CST);
  coro_signal_box *box = route_of(number);
  if (box) {
    note(box, number);
  } else {
    do_as_before(number);
  }
  __c11_atomic_fetch_sub(&inside[number], 1, __ATOMIC_SEQ_CST);
  errno = saved_errno;
}

// MARK: Dispositions, under the lock

static coro_signal_box *newest_setter(int number) {
  coro_signal_box *newest = NULL;
  uint64_t order = 0;
  for (coro_signal_box *box = every_box; box != NULL; box = box->next_of_all) {
    if (box->settings[number].order <= order) continue;
    order = box->settings[number].order;
    newest = box;
  }
  return newest;
}

static void route(int number, coro_signal_box *box) {
  if (box) box->was_routed[number / 64] |= UINT64_C(1) << (number % 64);
  __c11_atomic_store(&routes[number], box, __ATOMIC_SEQ_CST);
}

// What the newest setting says; without one, what the signal did before any.
static int apply(int number) {
  coro_signal_box *box = newest_setter(number);
  if (box == NULL) return sigaction(number, before(number), NULL);
  const struct sigaction *action = &box->settings[number].action;
  if (is_note(action)) route(number, box);
  return sigaction(number, action, NULL);
}

static _Bool is_the_same(const struct sigaction *one, const struct sigaction *other) {
  if ((one->sa_flags ^ other->sa_flags) & SA_SIGINFO) return 0;
  if (one->sa_flags & SA_SIGINFO) return one->sa_sigaction == other->sa_sigaction;
  return one->sa_handler == other->sa_handler;
}

// Whether the signal does what the newest setting says.
static _Bool is_in_force(int number, const struct sigaction *now) {
  coro_signal_box *box = newest_setter(number);
  return box != NULL && is_the_same(&box->settings[number].action, now);
}

// If somebody who is no loop has set the signal since, the loops' settings are void.
static void note_foreign(int number, const struct sigaction *now) {
  if (is_in_force(number, now) || is_note(now)) return;
  for (coro_signal_box *box = every_box; box != NULL; box = box->next_of_all) {
    box->settings[number].order = 0;
  }
  int other = 1 - __c11_atomic_load(&before_index[number], __ATOMIC_RELAXED);
  before_loops[number][other] = *now;
  __c11_atomic_store(&before_index[number], other, __ATOMIC_RELEASE);
}

static int change(int number, coro_signal_box *box, const struct sigaction *action) {
  coro_signal_setting former = box->settings[number];
  coro_signal_box *former_route = route_of(number);
  box->settings[number] = (coro_signal_setting){.order = ++last_order, .action = *action};
  int result = apply(number);
  if (result != 0) {
    box->settings[number] = former;
    route(number, former_route);
  }
  return result;
}

// MARK: Dispositions

static int look(int number, coro_signal_state *now) {
  if (number < 1 || number >= CORO_SIGNAL_COUNT) {
    errno = EINVAL;
    return -1;
  }
  int result = sigaction(number, NULL, &now->action);
  if (result == 0) now->box = is_note(&now->action) ? route_of(number) : NULL;
  return result;
}

static int set(int number, coro_signal_box *box, struct sigaction action,
               coro_signal_state *previous) {
  pthread_mutex_lock(&lock);
  int result = look(number, previous);
  if (result == 0) {
    note_foreign(number, &previous->action);
    result = change(number, box, &action);
  }
  int reason = errno;
  pthread_mutex_unlock(&lock);
  errno = reason;
  return result;
}

int coro_signal_handle(int number, coro_signal_box *box, coro_signal_state *previous) {
  return set(number, box, handler_action(note_signal), previous);
}

int coro_signal_set_default(int number, coro_signal_box *box, coro_signal_state *previous) {
  return set(number, box, handler_action(SIG_DFL), previous);
}

int coro_signal_set_ignored(int number, coro_signal_box *box, coro_signal_state *previous) {
  return set(number, box, handler_action(SIG_IGN), previous);
}

int coro_signal_restore(int number, coro_signal_box *box, const coro_signal_state *state,
                        coro_signal_state *previous) {
  if (!is_note(&state->action)) return set(number, box, state->action, previous);
  pthread_mutex_lock(&lock);
  int result = look(number, previous);
  if (result == 0) {
    box->settings[number].order = 0;
    result = apply(number);
  }
  int reason = errno;
  pthread_mutex_unlock(&lock);
  errno = reason;
  return result;
}

void coro_signal_leave(coro_signal_box *box) {
  pthread_mutex_lock(&lock);
  for (int number = 1; number < CORO_SIGNAL_COUNT; number++) {
    struct sigaction now;
    if (box->settings[number].order == 0) continue;
    _Bool is_ours = sigaction(number, NULL, &now) == 0 && is_in_force(number, &now);
    box->settings[number].order = 0;
    if (is_ours) (void)apply(number);
  }
  pthread_mutex_unlock(&lock);
}

void coro_signal_stray(int number) {
  pthread_mutex_lock(&lock);
  struct sigaction now;
  _Bool is_put_back =
      sigaction(number, NULL, &now) == 0 && is_note(&now) && !is_in_force(number, &now);
  if (is_put_back) (void)apply(number);
  pthread_mutex_unlock(&lock);
  if (is_put_back) kill(getpid(), number);
}

int coro_signal_disposition(const struct sigaction *action) {
  if (action->sa_flags & SA_SIGINFO) return 2;
  if (action->sa_handler == SIG_DFL) return 0;
  if (action->sa_handler == SIG_IGN) return 1;
  return 2;
}

static void do_nothing(int number) { (void)number; }

void coro_signal_disarm_pipe(void) {
  pthread_mutex_lock(&lock);
  struct sigaction now;
  if (newest_setter(SIGPIPE) == NULL && sigaction(SIGPIPE, NULL, &now) == 0 &&
      coro_signal_disposition(&now) == 0) {
    (void)set_handler(SIGPIPE, do_nothing);
  }
  pthread_mutex_unlock(&lock);
}

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
  if (box) __c11_atomic_store(&box->event_descriptor, descriptor, __ATOMIC_SEQ_CST);
  pthread_mutex_unlock(&lock);
  if (!box) {
    close(descriptor);
    errno = ENOMEM;
  }
  return box;
}

// Waits until no handler of the signal runs: a handler takes a moment.
//
// False: one was itself interrupted, and has not come back.
static _Bool is_let_go(int number) {
  for (int tries = 0; __c11_atomic_load(&inside[number], __ATOMIC_SEQ_CST) != 0; tries++) {
    if (tries == 10000) return 0;
    sched_yield();
  }
  return 1;
}

static _Bool is_box_let_go(coro_signal_box *box) {
  for (int number = 1; number < CORO_SIGNAL_COUNT; number++) {
    _Bool was_routed = box->was_routed[number / 64] >> (number % 64) & 1;
    if (was_routed && !is_let_go(number)) return 0;
  }
  return 1;
}

static _Bool take(coro_signal_box *box, int number) {
  uint64_t bit = UINT64_C(1) << (number % 64);
  return (__c11_atomic_fetch_and(&box->pending[number / 64], ~bit, __ATOMIC_ACQ_REL) & bit) != 0;
}

void coro_signal_box_give_back(coro_signal_box *box) {
  pthread_mutex_lock(&lock);
  for (int number = 1; number < CORO_SIGNAL_COUNT; number++) {
    if (route_of(number) != box) continue;
    coro_signal_box *other = newest_setter(number);
    route(number, other && is_note(&other->settings[number].action) ? other : NULL);
  }
  // Otherwise it is lost to the loops, descriptor and all.
  if (is_box_let_go(box)) {
    close(__c11_atomic_exchange(&box->event_descriptor, -1, __ATOMIC_SEQ_CST));
    for (int number = 1; number < CORO_SIGNAL_COUNT; number++) {
      coro_signal_box *other = route_of(number);
      if (take(box, number) && other) note(other, number);
    }
    memset(box->was_routed, 0, sizeof box->was_routed);
    box->next_spare = spares;
    spares = box;
  }
  pthread_mutex_unlock(&lock);
}

int coro_signal_box_descriptor(coro_signal_box *box) { return box->event_descriptor; }

uint64_t coro_signal_box_pending(coro_signal_box *box, int index) {
  return __c11_atomic_exchange(&box->pending[index], 0, __ATOMIC_ACQ_REL);
}

_Bool coro_signal_box_take(coro_signal_box *box, int number) {
  (void)is_let_go(number);
  return take(box, number);
}

// MARK: fork

void coro_signal_before_fork(void) { pthread_mutex_lock(&lock); }

void coro_signal_after_fork(void) { pthread_mutex_unlock(&lock); }

void coro_signal_in_child(void) {
  for (int number = 1; number < CORO_SIGNAL_COUNT; number++) {
    struct sigaction now;
    // The handlers that ran on other threads do so in the parent.
    __c11_atomic_store(&inside[number], 0, __ATOMIC_SEQ_CST);
    if (sigaction(number, NULL, &now) == 0 && is_note(&now)) {
      (void)sigaction(number, before(number), NULL);
    }
    __c11_atomic_store(&routes[number], NULL, __ATOMIC_SEQ_CST);
  }
  for (coro_signal_box *box = every_box; box != NULL; box = box->next_of_all) {
    if (box->event_descriptor >= 0) close(box->event_descriptor);
    box->event_descriptor = -1;
  }
  every_box = NULL;
  spares = NULL;
  pthread_mutex_unlock(&lock);
}
