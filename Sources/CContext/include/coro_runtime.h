// The Swift runtime's thread-local words, and this library's own.
#pragma once

#include "coro_context.h"

#include <stdint.h>

// MARK: This library's state of a thread

typedef struct coro_thread {
  // The scheduler whose loop runs on this thread, or NULL.
  void *scheduler;
  // Identifiers handed out to this thread and not used yet: [next_ident, end_ident).
  uint64_t next_ident;
  uint64_t end_ident;
  // The alternate signal stack that this library gave the thread, or NULL.
  char *signal_stack;
  size_t signal_stack_size;
  // The context of the coroutine whose stack overflow was reported last.
  void *overflown;
  // The stack that the thread stood on when the process was forked, if it had a loop.
  void *stack_low;
  size_t stack_size;
} coro_thread;

// initial-exec: one load and an fs-relative access, also from a shared library.
extern _Thread_local coro_thread coro_this_thread __attribute__((tls_model("initial-exec")));

static inline __attribute__((always_inline)) coro_thread *coro_thread_state(void) {
  return &coro_this_thread;
}

// A number that no other coroutine of this process has. Starts at 1.
uint64_t coro_next_ident(void);

// True on the thread that `main` runs on.
_Bool coro_is_main_thread(void);

// gettid(2).
int coro_thread_id(void);

// MARK: Words of the Swift runtime

// Points every word at its spare.
void coro_words_reset(coro_words *words);

// Finds the calling thread's head of the exclusivity checker's list of accesses.
_Bool coro_words_find_exclusivity(coro_words *words);

// The calling thread's block of thread-local variables of the module that holds Swift Concurrency.
// False where it is not linked.
_Bool coro_concurrency_block(void **low, size_t *size);

// An address on the running stack; a local variable's may lie elsewhere under AddressSanitizer.
uintptr_t coro_stack_address(void);

// Bytes that can be read at a pointer that malloc returned.
size_t coro_allocation_size(void *allocation);

// The runtime's entry points; each may be missing (weak).
__attribute__((swiftcall)) extern void swift_task_localValuePush(const void *key, void *value,
                                                                 const void *type)
    __attribute__((weak));
__attribute__((swiftcall)) extern void swift_task_localValuePop(void) __attribute__((weak));
extern void swift_task_exitThreadLocalContext(char *state) __attribute__((weak));
extern void swift_task_enterThreadLocalContext(char *state) __attribute__((weak));

static inline _Bool coro_has_task_local_calls(void) {
  return &swift_task_localValuePush != (void *)0 && &swift_task_localValuePop != (void *)0;
}

// MARK: The default backend

// Defined by the umbrella product `Coroutines`: a retained object that lists the linked backends.
// NULL where only CoroutineAPI is linked.
extern void *coro_linked_backends(void) __attribute__((weak));

static inline void *coro_linked_backends_if_any(void) {
  return &coro_linked_backends ? coro_linked_backends() : (void *)0;
}
