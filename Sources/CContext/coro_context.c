#define _GNU_SOURCE 1
#include "coro_context.h"
#include "coro_runtime.h"

#include <pthread.h>
#include <string.h>

// What does not depend on the architecture. The owner's fields are the owner's.
static void begin(coro_context *context, void *low, void *top) {
  context->stack_low = low;
  context->stack_size = (size_t)((char *)top - (char *)low);
  context->asan_fake_stack = NULL;
  context->tsan_fiber = NULL;
  memset(context->exclusivity_state, 0, sizeof context->exclusivity_state);
}

// MARK: The first frame

#if defined(__x86_64__)

// Two words lie on the new stack, the function and its argument. The return address is declared
// undefined and the frame pointer zero, so that every unwinder stops here.
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".globl coro_context_first_frame\n"
    ".hidden coro_context_first_frame\n"
    ".type coro_context_first_frame, @function\n"
    "coro_context_first_frame:\n"
    ".cfi_startproc\n"
    ".cfi_undefined rip\n"
    "xorl %ebp, %ebp\n"
    "popq %rax\n"
    "popq %rdi\n"
    "callq *%rax\n"
    "ud2\n"
    ".cfi_endproc\n"
    ".size coro_context_first_frame, . - coro_context_first_frame\n");

#elif defined(__aarch64__)

__asm__(
    ".text\n"
    ".p2align 2\n"
    ".globl coro_context_first_frame\n"
    ".hidden coro_context_first_frame\n"
    ".type coro_context_first_frame, %function\n"
    "coro_context_first_frame:\n"
    ".cfi_startproc\n"
    ".cfi_undefined x30\n"
    "hint #36\n"  // bti j
    "mov x29, xzr\n"
    "ldp x9, x0, [sp], #16\n"
    "blr x9\n"
    "udf #0\n"
    ".cfi_endproc\n"
    ".size coro_context_first_frame, . - coro_context_first_frame\n");

#endif

#if defined(__x86_64__) || defined(__aarch64__)

// Known to be in this module: otherwise gcc looks into a table for the address of a local symbol,
// which linkers fill in wrongly where that is not at the beginning of its section.
extern char coro_context_first_frame[] __attribute__((visibility("hidden")));

void coro_context_make(coro_context *context, void *low, void *top, void (*entry)(void *),
                       void *argument) {
  void **words = (void **)top - 2;
  words[0] = (void *)entry;
  words[1] = argument;
  begin(context, low, top);
  context->stack_pointer = words;
  context->resume_address = coro_context_first_frame;
  context->frame_pointer = NULL;
  context->base_pointer = NULL;
}

#else

// Any other architecture: the C library's ucontext. Slower (it saves the signal mask), but right.
#include <stdlib.h>
#include <ucontext.h>

static void first_frame(unsigned int entry_high, unsigned int entry_low, unsigned int argument_high,
                        unsigned int argument_low) {
  void (*entry)(void *) = (void (*)(void *))(((uintptr_t)entry_high << 16 << 16) | entry_low);
  entry((void *)(((uintptr_t)argument_high << 16 << 16) | argument_low));
  __builtin_trap();
}

void coro_context_make(coro_context *context, void *low, void *top, void (*entry)(void *),
                       void *argument) {
  begin(context, low, top);
  // The saved registers lie at the top of the stack that they describe.
  uintptr_t place = (uintptr_t)top - sizeof(ucontext_t);
  ucontext_t *saved = (ucontext_t *)(place & ~(uintptr_t)63);
  context->stack_pointer = saved;
  getcontext(saved);
  saved->uc_stack.ss_sp = low;
  saved->uc_stack.ss_size = (size_t)((char *)saved - (char *)low);
  saved->uc_link = NULL;
  makecontext(saved, (void (*)(void))first_frame, 4,
              (unsigned int)((uintptr_t)entry >> 16 >> 16), (unsigned int)(uintptr_t)entry,
              (unsigned int)((uintptr_t)argument >> 16 >> 16), (unsigned int)(uintptr_t)argument);
}

static _Thread_local coro_arrival newest;

coro_arrival coro_context_jump_portable(coro_context *from, coro_context *to) {
  ucontext_t here;
  from->stack_pointer = &here;
  newest = (coro_arrival){from, to};
  swapcontext(&here, (ucontext_t *)to->stack_pointer);
  return newest;
}

#endif

// MARK: Words

void coro_words_settle(coro_words *words) {
  static void *const never_null[CORO_WORD_COUNT] = {(void *)&never_null};
  words->one_word = words->must_tell ? never_null : words->location[CORO_WORD_EXCLUSIVITY];
  void **first = words->location[CORO_WORD_TASK], **last = first;
  for (int i = CORO_WORD_TASK; i <= CORO_WORD_TASK_LOCALS; i++) {
    if (words->location[i] < first) first = words->location[i];
    if (words->location[i] > last) last = words->location[i];
  }
  _Bool are_side_by_side = (uintptr_t)last - (uintptr_t)first == 2 * sizeof *first;
  words->three_words = are_side_by_side ? first : never_null;
}

// Not for ThreadSanitizer to follow: it is entered on one of its fibers, and left on another.
#if defined(__clang__)
__attribute__((disable_sanitizer_instrumentation))
#endif
__attribute__((noinline, cold)) coro_arrival coro_context_switch_words(coro_context *from,
                                                                       coro_context *to,
                                                                       const coro_words *words) {
  void *mine[CORO_WORD_COUNT];
  for (int i = 0; i < CORO_WORD_COUNT; i++) {
    mine[i] = *words->location[i];
    *words->location[i] = NULL;
  }
  coro_arrival arrival = coro_context_jump(from, to);
  for (int i = 0; i < CORO_WORD_COUNT; i++) *words->location[i] = mine[i];
  return arrival;
}

// MARK: Sanitizers

// Weak: __has_feature says nothing in a header that Swift imports, and the C part of a package may
// be built without the sanitizer that its Swift part uses.
extern void __sanitizer_start_switch_fiber(void **fake_stack, const void *low, size_t size)
    __attribute__((weak));
extern void __sanitizer_finish_switch_fiber(void *fake_stack, const void **low, size_t *size)
    __attribute__((weak));
extern void *__tsan_get_current_fiber(void) __attribute__((weak));
extern void *__tsan_create_fiber(unsigned flags) __attribute__((weak));
extern void __tsan_destroy_fiber(void *fiber) __attribute__((weak));
extern void __tsan_switch_to_fiber(void *fiber, unsigned flags) __attribute__((weak));

_Bool coro_sanitizers_present(void) {
  return &__sanitizer_start_switch_fiber != NULL || &__tsan_switch_to_fiber != NULL;
}

void coro_context_adopt_thread(coro_context *context) {
  begin(context, NULL, NULL);
  context->stack_pointer = NULL;
  pthread_attr_t attributes;
  if (coro_this_thread.stack_low != NULL) {
    // A forked child stands where its parent stood, which may be a coroutine's stack.
    context->stack_low = coro_this_thread.stack_low;
    context->stack_size = coro_this_thread.stack_size;
  } else if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &context->stack_low, &context->stack_size);
    pthread_attr_destroy(&attributes);
  }
  if (&__tsan_get_current_fiber) context->tsan_fiber = __tsan_get_current_fiber();
}

__attribute__((noinline)) void coro_context_switch_checked(coro_context *from, coro_context *to,
                                                           const coro_words *words, _Bool ends) {
  if (words->uses_exclusivity_calls && &swift_task_exitThreadLocalContext &&
      &swift_task_enterThreadLocalContext) {
    swift_task_exitThreadLocalContext(from->exclusivity_state);
    swift_task_enterThreadLocalContext(to->exclusivity_state);
  }
  if (&__tsan_switch_to_fiber) {
    // Not before the first switch to it: destroying many fibers that never ran crashes TSan.
    if (to->tsan_fiber == NULL) to->tsan_fiber = __tsan_create_fiber(0);
    __tsan_switch_to_fiber(to->tsan_fiber, 0);
  }
  if (&__sanitizer_start_switch_fiber) {
    __sanitizer_start_switch_fiber(ends ? NULL : &from->asan_fake_stack, to->stack_low,
                                   to->stack_size);
  }
  coro_context_switch(from, to, words);
  coro_context_entered_checked(from);
}

void coro_context_entered_checked(coro_context *context) {
  // Says that somebody runs on it, see coro_leak.c.
  context->stack_pointer = NULL;
  if (&__sanitizer_finish_switch_fiber) {
    __sanitizer_finish_switch_fiber(context->asan_fake_stack, NULL, NULL);
  }
}

void coro_context_destroy_checked(coro_context *context) {
  if (&__tsan_destroy_fiber && context->tsan_fiber) {
    __tsan_destroy_fiber(context->tsan_fiber);
    context->tsan_fiber = NULL;
  }
}
