#define _GNU_SOURCE 1
#include "coro_fork.h"
#include "coro_signal.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// The loops of this process, and those that were its parent's; the latter stay for ever, as does
// all else of them.
static coro_loop *alive;
static coro_loop *abandoned;
static coro_loop_abandon abandon;
static uint64_t last_number;
static sigset_t mask_before_fork;
uint32_t coro_fork_count;

void coro_loop_add(coro_loop *loop, void *scheduler) {
  pthread_mutex_lock(&lock);
  loop->scheduler = scheduler;
  loop->number = ++last_number;
  loop->previous = NULL;
  loop->next = alive;
  if (alive != NULL) alive->previous = loop;
  alive = loop;
  pthread_mutex_unlock(&lock);
}

void coro_loop_remove(coro_loop *loop) {
  pthread_mutex_lock(&lock);
  if (loop->previous != NULL) {
    loop->previous->next = loop->next;
  } else {
    alive = loop->next;
  }
  if (loop->next != NULL) loop->next->previous = loop->previous;
  pthread_mutex_unlock(&lock);
}

static _Bool is_in(const coro_loop *loop, uint64_t number) {
  while (loop != NULL && loop->number != number) loop = loop->next;
  return loop != NULL;
}

coro_loop_state coro_loop_state_of(uint64_t number) {
  pthread_mutex_lock(&lock);
  coro_loop_state state = is_in(alive, number)       ? CORO_LOOP_ALIVE
                          : is_in(abandoned, number) ? CORO_LOOP_ABANDONED
                                                     : CORO_LOOP_ENDED;
  pthread_mutex_unlock(&lock);
  return state;
}

_Bool coro_loop_is_abandoned(const void *scheduler) {
  // Only a fork changes the list, and a child has one thread then.
  for (const coro_loop *loop = abandoned; loop != NULL; loop = loop->next) {
    if (loop->scheduler == scheduler) return 1;
  }
  return 0;
}

_Bool coro_fork_lost_loops(void) { return abandoned != NULL; }

// MARK: fork's handlers

static void before_fork(void) {
  // A signal that reached the child while its handler is still the loop's would wake the parent.
  sigset_t every;
  sigfillset(&every);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, &every, &mask);
  pthread_mutex_lock(&lock);
  mask_before_fork = mask;
  __atomic_fetch_add(&coro_fork_count, 1, __ATOMIC_RELAXED);
  coro_signal_before_fork();
}

static void unlock_and_unmask(void) {
  sigset_t mask = mask_before_fork;
  pthread_mutex_unlock(&lock);
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void after_fork_in_parent(void) {
  coro_signal_after_fork();
  unlock_and_unmask();
}

static void after_fork_in_child(void) {
  coro_signal_in_child();
  coro_thread *thread = &coro_this_thread;
  if (thread->scheduler != NULL) {
    // The child goes on standing on this stack; a loop that it makes must know its bounds.
    coro_context *running = *(coro_context **)thread->scheduler;
    thread->stack_low = running->stack_low;
    thread->stack_size = running->stack_size;
  }
  thread->scheduler = NULL;
  while (alive != NULL) {
    coro_loop *loop = alive;
    alive = loop->next;
    loop->next = abandoned;
    abandoned = loop;
    abandon(loop->scheduler);
  }
  unlock_and_unmask();
}

void coro_fork_watch(coro_loop_abandon function) {
  pthread_mutex_lock(&lock);
  _Bool is_first = abandon == NULL;
  abandon = function;
  pthread_mutex_unlock(&lock);
  if (is_first) pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}
