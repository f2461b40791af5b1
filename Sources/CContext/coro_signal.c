#define _GNU_SOURCE 1
#include "coro_signal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static coro_signal_box *_Atomic boxes[CORO_SIGNAL_COUNT];

static pthread_mutex_t spares_lock = PTHREAD_MUTEX_INITIALIZER;
static coro_signal_box *spares;
static coro_signal_box *every_box;

coro_signal_box *coro_signal_box_take_spare(void) {
  pthread_mutex_lock(&spares_lock);
  coro_signal_box *box = spares;
  if (box) spares = box->next_spare;
  pthread_mutex_unlock(&spares_lock);
  if (box) {
    for (int i = 0; i < 2; i++) (void)coro_signal_box_pending(box, i);
    uint64_t count;
    ssize_t drained = read(box->event_descriptor, &count, sizeof count);
    (void)drained;  // EAGAIN: nothing was noted.
    return box;
  }
  box = calloc(1, sizeof *box);
  if (!box) return NULL;
  box->event_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (box->event_descriptor < 0) {
    free(box);
    return NULL;
  }
  pthread_mutex_lock(&spares_lock);
  box->next_of_all = every_box;
  every_box = box;
  pthread_mutex_unlock(&spares_lock);
  return box;
}

void coro_signal_box_give_back(coro_signal_box *box) {
  pthread_mutex_lock(&spares_lock);
  box->generation++;
  box->next_spare = spares;
  spares = box;
  pthread_mutex_unlock(&spares_lock);
}

uint64_t coro_signal_box_pending(coro_signal_box *box, int index) {
  return __c11_atomic_exchange(&box->pending[index], 0, __ATOMIC_ACQ_REL);
}

static void note_signal(int number) {
  int saved_errno = errno;
  coro_signal_box *box = __c11_atomic_load(&boxes[number], __ATOMIC_ACQUIRE);
  if (box) {
    __c11_atomic_fetch_or(&box->pending[number / 64], UINT64_C(1) << (number % 64),
                          __ATOMIC_ACQ_REL);
    uint64_t one = 1;
    // EAGAIN: the counter is full, so a wake-up is under way already.
    while (write(box->event_descriptor, &one, sizeof one) < 0 && errno == EINTR) continue;
  }
  errno = saved_errno;
}

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

static uint64_t generation_of(coro_signal_box *box) {
  pthread_mutex_lock(&spares_lock);
  uint64_t generation = box->generation;
  pthread_mutex_unlock(&spares_lock);
  return generation;
}

static void complete(coro_signal_state *state, coro_signal_box *box) {
  state->box = is_a_loops(&state->action) ? box : NULL;
  state->generation = state->box ? generation_of(state->box) : 0;
}

static coro_signal_box *box_of(int number) {
  return __c11_atomic_load(&boxes[number], __ATOMIC_ACQUIRE);
}

int coro_signal_install(int number, coro_signal_box *box, coro_signal_state *previous) {
  if (number < 1 || number >= CORO_SIGNAL_COUNT) {
    errno = EINVAL;
    return -1;
  }
  coro_signal_box *before = __c11_atomic_exchange(&boxes[number], box, __ATOMIC_ACQ_REL);
  int result = set_handler(number, note_signal, &previous->action);
  if (result != 0) __c11_atomic_store(&boxes[number], before, __ATOMIC_RELEASE);
  complete(previous, before);
  return result;
}

int coro_signal_set_default(int number, coro_signal_state *previous) {
  int result = set_handler(number, SIG_DFL, &previous->action);
  complete(previous, box_of(number));
  return result;
}

int coro_signal_set_ignored(int number, coro_signal_state *previous) {
  int result = set_handler(number, SIG_IGN, &previous->action);
  complete(previous, box_of(number));
  return result;
}

int coro_signal_restore(int number, const coro_signal_state *state, coro_signal_state *previous) {
  if (state->box) {
    if (generation_of(state->box) == state->generation) {
      return coro_signal_install(number, state->box, previous);
    }
    return coro_signal_set_default(number, previous);
  }
  int result = sigaction(number, &state->action, &previous->action);
  complete(previous, box_of(number));
  return result;
}

void coro_signal_leave(int number, coro_signal_box *box, const coro_signal_state *state) {
  coro_signal_state now;
  if (sigaction(number, NULL, &now.action) != 0) return;
  if (is_a_loops(&now.action) && box_of(number) != box) return;
  (void)coro_signal_restore(number, state, &now);
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

void coro_signal_before_fork(void) { pthread_mutex_lock(&spares_lock); }

void coro_signal_after_fork(void) { pthread_mutex_unlock(&spares_lock); }

void coro_signal_in_child(void) {
  for (int number = 1; number < CORO_SIGNAL_COUNT; number++) {
    struct sigaction now;
    if (box_of(number) == NULL) continue;
    if (sigaction(number, NULL, &now) == 0 && is_a_loops(&now)) set_handler(number, SIG_DFL, NULL);
    __c11_atomic_store(&boxes[number], NULL, __ATOMIC_RELEASE);
  }
  for (coro_signal_box *box = every_box; box != NULL; box = box->next_of_all) {
    close(box->event_descriptor);
  }
  // What the parent's loops still hold of them is never looked at again.
  every_box = NULL;
  spares = NULL;
  pthread_mutex_unlock(&spares_lock);
}
