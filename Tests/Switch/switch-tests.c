// The switch, the first frame and the guard, without Swift: for architectures that there is no
// Swift toolchain for at hand, and for compilers and flags that SwiftPM does not try. See
// scripts/test-arm64. Prints what it checked; the status is the number of failures.
#define _GNU_SOURCE 1
#include "coro_context.h"
#include "coro_overflow.h"
#include "coro_runtime.h"
#include "coro_stack.h"
#include "registers.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

static int failures;
static int checks;

#define CHECK(condition, ...)                                  \
  do {                                                         \
    checks++;                                                  \
    if (!(condition)) {                                        \
      failures++;                                              \
      fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
      fprintf(stderr, __VA_ARGS__);                            \
      fprintf(stderr, "\n");                                   \
    }                                                          \
  } while (0)

// MARK: Two stacks

enum { GUARD = 64 * 1024, STACK = 256 * 1024 };

typedef struct side {
  coro_context here;
  coro_context there;
  char *low;
  void (*body)(struct side *);
  uint64_t value;
  uint64_t count;
  double number;
  int is_over;
} side;

static coro_words words;

__attribute__((noinline)) static void to_there(void *argument) {
  side *pair = argument;
  coro_context_switch(&pair->here, &pair->there, &words);
}

__attribute__((noinline)) static void to_here(void *argument) {
  side *pair = argument;
  coro_context_switch(&pair->there, &pair->here, &words);
}

static void enter(void *argument) {
  side *pair = argument;
  pair->body(pair);
  pair->is_over = 1;
  for (;;) to_here(pair);
}

static side *make(void (*body)(side *)) {
  side *pair = calloc(1, sizeof *pair);
  pair->low = coro_stack_reserve(STACK);
  if (pair->low == NULL || coro_stack_guard(pair->low, GUARD) != 0) abort();
  pair->body = body;
  coro_context_make(&pair->there, pair->low + GUARD, pair->low + STACK, enter, pair);
  return pair;
}

static void destroy(side *pair) {
  coro_stack_release(pair->low, STACK);
  free(pair);
}

// MARK: Registers

static void check_there(side *pair) {
  for (uint64_t round = 0; round < 1000; round++) {
    uint64_t wrong = check_registers(to_here, pair, ~round * 0x9E3779B97F4A7C15);
    if (wrong != 0) pair->value = wrong;
  }
}

static void test_registers(void) {
  side *pair = make(check_there);
  uint64_t wrong_here = 0;
  while (!pair->is_over) {
    wrong_here |= check_registers(to_there, pair, pair->count++ * 0xD1B54A32D192ED03);
  }
  CHECK(wrong_here == 0, "registers 0x%" PRIx64 " changed", wrong_here);
  CHECK(pair->value == 0, "registers 0x%" PRIx64 " changed on the other stack", pair->value);
  CHECK(pair->count == 1001, "%" PRIu64 " switches", pair->count);
  destroy(pair);
}

// MARK: Arrivals

static side *first, *second;

// From here to the first, from there to the second, and back here.
static void go_on(side *pair) {
  coro_context *before = pair == first ? &first->here : &first->there;
  coro_context *after = pair == first ? &second->there : &first->here;
  for (;;) {
    coro_arrival arrival = coro_context_switch(&pair->there, after, &words);
    pair->value += arrival.from != before || arrival.here != &pair->there;
  }
}

static void test_arrivals(void) {
  first = make(go_on);
  second = make(go_on);
  uint64_t wrong = 0;
  for (int round = 0; round < 1000; round++) {
    coro_arrival arrival = coro_context_switch(&first->here, &first->there, &words);
    wrong += arrival.from != &second->there || arrival.here != &first->here;
  }
  wrong += first->value + second->value;
  CHECK(wrong == 0, "%" PRIu64 " arrivals are not told as they were", wrong);
  destroy(first);
  destroy(second);
}

// MARK: Values

typedef float vector __attribute__((vector_size(16)));

static void compute_there(side *pair) {
  double sum = 0.5;
  vector lanes = {0, 0, 0, 0};
  uint64_t integers[4] = {0};
  for (uint64_t round = 0; round < 50000; round++) {
    sum += 0.25;
    lanes += (vector){3, 4, 5, 6};
    for (int i = 0; i < 4; i++) integers[i] += round * (uint64_t)(i + 7);
    coro_context_switch(&pair->there, &pair->here, &words);
  }
  pair->number = sum + (double)lanes[0] + (double)lanes[3];
  pair->value = integers[0] ^ integers[3];
}

static void test_values(void) {
  side *pair = make(compute_there);
  double sum = 1.5;
  vector lanes = {0, 0, 0, 0};
  uint64_t integers[4] = {0};
  for (uint64_t round = 0; round < 50001; round++) {
    coro_context_switch(&pair->here, &pair->there, &words);
    sum += 1.0;
    lanes += (vector){1, 2, 3, 4};
    for (int i = 0; i < 4; i++) integers[i] += round * (uint64_t)(i + 1);
  }
  const uint64_t rounds = 50000ull * 49999 / 2;
  CHECK(pair->is_over, "the other stack has not ended");
  CHECK(sum == 50002.5, "%f", sum);
  CHECK(lanes[0] == 50001 && lanes[3] == 200004, "%f %f", (double)lanes[0], (double)lanes[3]);
  CHECK(integers[2] == 3 * (rounds + 50000), "%" PRIu64, integers[2]);
  CHECK(pair->number == 0.5 + 12500 + 150000 + 300000, "%f", pair->number);
  CHECK(pair->value == ((7 * rounds) ^ (10 * rounds)), "%" PRIu64, pair->value);
  destroy(pair);
}

// MARK: Depth

// Each frame switches on the way in and on the way out, and its locals must be as they were.
__attribute__((noinline)) static uint64_t descend(side *pair, int depth, void (*over)(void *)) {
  volatile uint64_t local = (uint64_t)depth * 31;
  double number = depth * 0.5;
  over(pair);
  uint64_t below = depth > 0 ? descend(pair, depth - 1, over) : 0;
  over(pair);
  return local == (uint64_t)depth * 31 && number == depth * 0.5 ? below + 1 : 0;
}

static void descend_there(side *pair) { pair->value = descend(pair, 300, to_here); }

static void test_depth(void) {
  side *pair = make(descend_there);
  uint64_t here = descend(pair, 299, to_there);
  while (!pair->is_over) to_there(pair);
  CHECK(here == 300, "%" PRIu64, here);
  CHECK(pair->value == 301, "%" PRIu64, pair->value);
  destroy(pair);
}

// MARK: Many stacks

static void count_there(side *pair) {
  for (int round = 0; round < 100; round++) {
    pair->count += pair->value;
    to_here(pair);
  }
}

static void test_many_stacks(void) {
  enum { COUNT = 200 };
  static side *pairs[COUNT];
  for (int i = 0; i < COUNT; i++) {
    pairs[i] = make(count_there);
    pairs[i]->value = (uint64_t)i;
  }
  for (int round = 0; round < 101; round++) {
    for (int i = 0; i < COUNT; i++) to_there(pairs[(i * 7) % COUNT]);
  }
  int right = 0;
  for (int i = 0; i < COUNT; i++) {
    right += pairs[i]->is_over && pairs[i]->count == 100u * (uint64_t)i;
    destroy(pairs[i]);
  }
  CHECK(right == COUNT, "%d of %d", right, COUNT);
}

// MARK: The first frame

#if defined(FRAME_POINTERS)
// How many frames a debugger finds that follows frame pointers, to the first one without a caller.
__attribute__((noinline)) static int frame_count(void) {
  int count = 0;
  void **frame = __builtin_frame_address(0);
  while (frame != NULL && count < 64) {
    frame = frame[0];
    count++;
  }
  return count;
}
#endif

static void look_there(side *pair) {
#if defined(FRAME_POINTERS)
  int frames = frame_count();
  CHECK(frames >= 2 && frames < 12, "%d frames", frames);
#endif
  pair->value = coro_stack_address() % 16;
  char *address = (char *)coro_stack_address();
  pair->count = address > pair->low + GUARD && address < pair->low + STACK;
}

typedef struct trace {
  uintptr_t addresses[64];
  int count;
} trace;

static _Unwind_Reason_Code note(struct _Unwind_Context *context, void *argument) {
  trace *trace = argument;
  if (trace->count == 64) return _URC_FATAL_PHASE1_ERROR;
  trace->addresses[trace->count++] = _Unwind_GetIP(context);
  return _URC_NO_REASON;
}

static trace seen;
static int unwinding_ended;

static void unwind_there(side *pair) {
  (void)pair;
  unwinding_ended = _Unwind_Backtrace(note, &seen) == _URC_END_OF_STACK;
}

static void test_first_frame(void) {
  side *pair = make(look_there);
  uintptr_t first_frame = (uintptr_t)pair->there.resume_address;
  to_there(pair);
  CHECK(pair->is_over && pair->value == 0, "sp %% 16 is %" PRIu64, pair->value);
  CHECK(pair->count == 1, "it does not stand on its stack");
  destroy(pair);

  pair = make(unwind_there);
  to_there(pair);
  CHECK(pair->is_over && seen.count >= 2 && seen.count < 12, "%d frames", seen.count);
#if defined(__x86_64__) || defined(__aarch64__)
  CHECK(unwinding_ended, "the unwinder did not find the end");
  uintptr_t last = seen.addresses[seen.count - 1];
  if (last == 0) last = seen.addresses[seen.count - 2];
  CHECK(last >= first_frame && last < first_frame + 64, "0x%" PRIxPTR, last);
#else
  (void)first_frame;
#endif
  destroy(pair);
}

// MARK: The thread's own stack

static void test_thread(void) {
  coro_context context;
  coro_context_adopt_thread(&context);
  uintptr_t low = (uintptr_t)context.stack_low;
  CHECK(coro_stack_address() > low && coro_stack_address() < low + context.stack_size,
        "0x%" PRIxPTR " + %zu", low, context.stack_size);
}

// MARK: The guard

static volatile int depth_reached;

__attribute__((noinline)) static int overflow(int depth) {
  volatile char frame[1024];
  frame[depth % 1024] = 1;
  depth_reached = depth;
  if (depth == 1 << 30) return 0;
  return overflow(depth + 1) + frame[(depth + 1) % 1024];
}

static void overflow_there(side *pair) {
  (void)pair;
  exit(overflow(0));
}

static void describe(void *record, coro_overflow_label *label) {
  (void)record;
  memcpy(label->name, "diver", 5);
  label->name_length = 5;
  label->ident = 42;
  label->stack_size = STACK - GUARD;
}

// In a child: a coroutine overflows its stack as the scheduler's running one.
static void overflow_in_child(int error) {
  dup2(error, STDERR_FILENO);
  side *neighbour = make(count_there);
  side *pair = make(overflow_there);
  (void)neighbour;
  coro_context *running = &pair->there;
  coro_this_thread.scheduler = &running;
  coro_overflow_watch(GUARD, describe);
  coro_overflow_enter_thread();
  to_there(pair);
  _exit(1);
}

static void test_guard(void) {
  int ends[2];
  if (pipe(ends) != 0) abort();
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) overflow_in_child(ends[1]);
  close(ends[1]);
  char text[1024] = "";
  size_t length = 0;
  ssize_t count;
  while ((count = read(ends[0], text + length, sizeof text - 1 - length)) > 0) {
    length += (size_t)count;
  }
  close(ends[0]);
  int status;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "status 0x%x", status);
  CHECK(strncmp(text, "Fatal: stack overflow in coroutine diver (ident 42): its stack of 192 KiB",
                73) == 0,
        "%s", text);
}

// Where it is called a page that ended coroutines touched is given back.
static void test_trim(void) {
  char *low = coro_stack_reserve(STACK);
  memset(low + GUARD, 1, 8192);
  CHECK(coro_stack_trim(low + GUARD, STACK - GUARD) == 1, "nothing was given back");
  CHECK(low[GUARD] == 0, "the page still holds %d", low[GUARD]);
  coro_stack_release(low, STACK);
}

// MARK: Branch targets

#if defined(__aarch64__) && defined(GUARD_BRANCHES)
extern char __start_guarded_text[];
extern char __stop_guarded_text[];

// From here on an indirect branch into this code must land on a landing pad.
static void guard_branches(void) {
  enum { BRANCH_TARGETS = 0x10 };  // PROT_BTI
  size_t size = (size_t)(__stop_guarded_text - __start_guarded_text) & ~(size_t)0xFFFF;
  int result = mprotect(__start_guarded_text, size, PROT_READ | PROT_EXEC | BRANCH_TARGETS);
  CHECK(result == 0 && size > 0, "branch targets can't be enforced");
}
#else
static void guard_branches(void) {}
#endif

int main(void) {
  coro_words_reset(&words);
  guard_branches();
  test_registers();
  test_arrivals();
  test_values();
  test_depth();
  test_many_stacks();
  test_first_frame();
  test_thread();
  test_guard();
  test_trim();
  printf("%d checks, %d failures%s\n", checks, failures,
         registers_are_checked ? "" : " (registers are not looked at)");
  return failures;
}
