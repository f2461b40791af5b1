// The switch between two stacks.
//
// `coro_context_jump` is inlined into its Swift caller, behind a look at the thread's words
// (`coro_words_matter`). It saves by hand only what inline assembly may not list as a clobber
// (stack pointer, resume address, frame and base pointer) and lists every other register, so that
// the compiler spills just what is live at that place. Nothing is pushed: the caller may be using
// its red zone. Not saved, because no caller changes them for good: MXCSR and the x87 control word
// on x86-64, FPCR on arm64.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Words of other libraries' thread-local state that belong to a coroutine, not to its thread:
// the exclusivity checker's access list, and Swift Concurrency's active task, executor tracking and
// task-local values of code outside a task.
enum {
  CORO_WORD_EXCLUSIVITY = 0,
  CORO_WORD_TASK = 1,
  CORO_WORD_EXECUTOR = 2,
  CORO_WORD_TASK_LOCALS = 3,
  CORO_WORD_COUNT = 4,
};

// Where the calling thread keeps those words.
typedef struct coro_words {
  // Where a switch looks: at the exclusivity word, and at the three of Concurrency side by side; or
  // at what is never NULL, if it has to be looked at more closely. See `coro_words_settle`.
  void *const *one_word;
  void *const *three_words;
  // A word that was not found points at `unused`.
  void **location[CORO_WORD_COUNT];
  void *unused[CORO_WORD_COUNT];
  // The exclusivity word was not found: exchange the list through the runtime's calls.
  _Bool uses_exclusivity_calls;
  // For the owner of a loop: somebody wants to hear of each switch.
  _Bool must_tell;
} coro_words;

// The only value of `wait` that C knows: see `Wait`.
enum { CORO_WAIT_NOTHING = 0 };

// What a context's owner keeps for itself, in the cache line that a switch touches anyway: see
// `CoroutineRecord`.
typedef struct coro_owner_fields {
  uint8_t wake_reason;
  uint8_t wait;
  uint8_t cancellation;
  int32_t timer_place;
  void *operation;
  int64_t since;
  void *core;
} coro_owner_fields;

// A suspended stack.
typedef struct coro_context {
  // One cache line, and all that a switch touches as a rule.
  void *stack_pointer;
  void *resume_address;
  void *frame_pointer;
  void *base_pointer;
  coro_owner_fields owner;

  // Not touched by `coro_context_switch`.
  void *stack_low;  // the guard ends here
  size_t stack_size;
  void *asan_fake_stack;
  void *tsan_fiber;
  char exclusivity_state[64];
} coro_context;

_Static_assert(sizeof(void *) != 8 || __builtin_offsetof(coro_context, stack_low) == 64,
               "what a switch touches is one cache line");

// Prepares `context` so that the first switch to it calls `entry(argument)` on the stack whose
// usable bytes are [low, top). `top` is 16-byte aligned; `entry` never returns.
void coro_context_make(coro_context *context, void *low, void *top, void (*entry)(void *),
                       void *argument);

// What has happened where a jump returns: `from` has jumped to `here`, which goes on.
//
// Both come in registers, so that who goes on need not wait for what he has on his stack.
typedef struct coro_arrival {
  coro_context *from;
  coro_context *here;
} coro_arrival;

// Registers that there are only where the compiler was told so.
#if defined(__AVX512F__)
#define CORO_REGISTERS_OF_AVX512                                                                 \
  "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",      \
      "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5",  \
      "k6", "k7",
#else
#define CORO_REGISTERS_OF_AVX512
#endif
#if defined(__EGPR__)
#define CORO_REGISTERS_OF_APX                                                                    \
  "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28",     \
      "r29", "r30", "r31",
#else
#define CORO_REGISTERS_OF_APX
#endif
#if defined(__ARM_FEATURE_SVE)
#define CORO_REGISTERS_OF_SVE                                                                    \
  "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14", \
      "p15",
#else
#define CORO_REGISTERS_OF_SVE
#endif

// The jump alone. `from` receives the state, `to` gives it. Returns when somebody jumps to `from`.
static inline __attribute__((always_inline)) coro_arrival coro_context_jump(coro_context *from,
                                                                            coro_context *to) {
#if defined(__x86_64__)
  __asm__ volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "movq %%rsp, 0(%0)\n\t"
      "movq %%rax, 8(%0)\n\t"
      "movq %%rbp, 16(%0)\n\t"
      "movq %%rbx, 24(%0)\n\t"
      "movq 0(%1), %%rsp\n\t"
      "movq 16(%1), %%rbp\n\t"
      "movq 24(%1), %%rbx\n\t"
      "jmpq *8(%1)\n"
      "1:"
      : "+D"(from), "+S"(to)
      :
      : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1",
        "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
        "xmm13", "xmm14", "xmm15",
        CORO_REGISTERS_OF_AVX512 CORO_REGISTERS_OF_APX "memory", "cc");
  // They are those of the jump to here.
  return (coro_arrival){from, to};
#elif defined(__aarch64__)
  // x29 is the frame pointer and x19 may be the base pointer: neither may be a clobber. x18 must
  // be one: on Linux it is no platform's. `hint #36` is `bti j`, a landing pad where branch targets
  // are enforced.
  register coro_context *source __asm__("x0") = from;
  register coro_context *target __asm__("x1") = to;
  __asm__ volatile(
      "adr x2, 1f\n\t"
      "mov x3, sp\n\t"
      "stp x3, x2, [x0]\n\t"
      "stp x29, x19, [x0, #16]\n\t"
      "ldp x3, x2, [x1]\n\t"
      "ldp x29, x19, [x1, #16]\n\t"
      "mov sp, x3\n\t"
      "br x2\n"
      "1:\n\t"
      "hint #36"
      : "+r"(source), "+r"(target)
      :
      : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
        "x16", "x17", "x18", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30",
        "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
        "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
        "v27", "v28", "v29", "v30", "v31",
        CORO_REGISTERS_OF_SVE "memory", "cc");
  return (coro_arrival){source, target};
#else
  extern coro_arrival coro_context_jump_portable(coro_context *from, coro_context *to);
  return coro_context_jump_portable(from, to);
#endif
}

// Decides where a switch looks; to be called when `location` or `must_tell` has changed.
void coro_words_settle(coro_words *words);

// Whether a switch has more to do than to jump: put words away, or tell somebody.
//
// Nearly always all words are NULL, and looking is much cheaper than writing. What the other side
// has put away is no matter: it takes its words back itself, where it goes on.
static inline __attribute__((always_inline)) _Bool coro_words_matter(const coro_words *words) {
  void *const *three = words->three_words;
  uintptr_t any = (uintptr_t)*words->one_word | (uintptr_t)three[0] | (uintptr_t)three[1] |
                  (uintptr_t)three[2];
  return __builtin_expect(any != 0, 0);
}

// As `coro_context_switch`, with the thread's words put away in between.
coro_arrival coro_context_switch_words(coro_context *from, coro_context *to,
                                       const coro_words *words);

// Suspends the running stack into `from` and resumes `to`; whoever comes back finds the thread's
// words as they were. Before its first switch `from` is all zero, or was adopted: see
// `coro_context_adopt_thread`.
static inline __attribute__((always_inline)) coro_arrival coro_context_switch(
    coro_context *from, coro_context *to, const coro_words *words) {
  if (coro_words_matter(words)) return coro_context_switch_words(from, to, words);
  return coro_context_jump(from, to);
}

// Asks for a cache line that will be read soon.
static inline __attribute__((always_inline)) void coro_prefetch(const void *address) {
  __builtin_prefetch(address);
}

// Asks for the innermost frames of a suspended stack: about what its coroutine reads first.
static inline __attribute__((always_inline)) void coro_prefetch_stack(const coro_context *context) {
  const char *innermost = context->stack_pointer;
  __builtin_prefetch(innermost);
  __builtin_prefetch(innermost + 64);
  __builtin_prefetch(innermost + 128);
}

// As `coro_context_switch`, and tells AddressSanitizer and ThreadSanitizer of it, and exchanges the
// exclusivity checker's list through the runtime's own pair of functions where its word was not
// found. `ends`: the running stack will not be resumed.
void coro_context_switch_checked(coro_context *from, coro_context *to, const coro_words *words,
                                 _Bool ends);

// To be called first on a stack that was made by `coro_context_make` if switches are checked.
void coro_context_entered_checked(coro_context *context);

// Frees what the sanitizers hold for a stack that ended.
void coro_context_destroy_checked(coro_context *context);

// Describes the calling thread's own stack in `context`, for the sanitizers and for the report of
// an overflow.
void coro_context_adopt_thread(coro_context *context);

// True if a sanitizer that must be told of switches is linked.
_Bool coro_sanitizers_present(void);
