#define _GNU_SOURCE 1
#include "coro_overflow.h"
#include "coro_runtime.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t guard_size;
static coro_overflow_describe describe;
static struct sigaction previous;

// MARK: The report

// A line that grows in memory of a fixed size: nothing else is safe in a signal handler.
typedef struct line {
  char text[512];
  size_t length;
} line;

static void add_bytes(line *line, const char *bytes, size_t count) {
  size_t room = sizeof line->text - line->length;
  if (count > room) count = room;
  memcpy(line->text + line->length, bytes, count);
  line->length += count;
}

static void add(line *line, const char *text) { add_bytes(line, text, strlen(text)); }

static void add_number(line *line, uint64_t number) {
  char digits[20];
  size_t first = sizeof digits;
  do {
    digits[--first] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  add_bytes(line, digits + first, sizeof digits - first);
}

static void report(const coro_overflow_label *label, size_t thread_stack_size) {
  line line = {.length = 0};
  add(&line, "Fatal: stack overflow in coroutine ");
  if (label->name_length > 0) {
    add_bytes(&line, label->name, label->name_length);
  } else {
    add(&line, "Coroutine-");
    add_number(&line, label->ident);
  }
  add(&line, " (ident ");
  add_number(&line, label->ident);
  add(&line, "): ");
  uint64_t kibibytes = (label->stack_size > 0 ? label->stack_size : thread_stack_size) / 1024;
  if (label->stack_size == 0) {
    add(&line, "the stack of its thread, ");
    add_number(&line, kibibytes);
    add(&line, " KiB, is full. Recurse less deeply, or do the work in a coroutine with a larger "
               "stack: Coroutine(stackSize: ");
  } else {
    add(&line, "its stack of ");
    add_number(&line, kibibytes);
    add(&line, " KiB is full. Recurse less deeply, or give it a larger one: Coroutine(stackSize: ");
  }
  add_number(&line, kibibytes * 4);
  add(&line, " * 1024)\n");
  ssize_t written = write(STDERR_FILENO, line.text, line.length);
  (void)written;  // Nobody is left to be told.
}

// The running coroutine's record if the address lies in the guard below its stack.
static coro_context *overflown(uintptr_t address) {
  // A scheduler's first word is the running coroutine's record, whose first member is its context.
  void *scheduler = coro_this_thread.scheduler;
  if (scheduler == NULL) return NULL;
  coro_context *context = *(coro_context **)scheduler;
  uintptr_t low = (uintptr_t)context->stack_low;
  if (low == 0 || address < low - guard_size) return NULL;
  // A thread's own stack may count its guard as a part of itself. No fault comes from the rest.
  return address < low + guard_size ? context : NULL;
}

static void report_overflow(const siginfo_t *info) {
  // Positive: the kernel says so itself, and the address is one.
  if (info->si_code <= 0) return;
  coro_context *context = overflown((uintptr_t)info->si_addr);
  // Once a stack, should a handler return without having changed anything.
  if (context == NULL || coro_this_thread.overflown == context) return;
  coro_this_thread.overflown = context;
  coro_overflow_label label;
  memset(&label, 0, sizeof label);
  describe(context, &label);
  report(&label, context->stack_size);
}

// MARK: The handler

static void die_by_default(int number, const siginfo_t *info) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  sigaction(number, &action, NULL);
  // A fault repeats as soon as this returns; what somebody sent does not.
  if (info->si_code <= 0) raise(number);
}

static void on_fault(int number, siginfo_t *info, void *machine_context) {
  int saved_errno = errno;
  report_overflow(info);
  errno = saved_errno;
  struct sigaction next = previous;
  if (next.sa_flags & SA_RESETHAND) {
    previous.sa_flags = 0;
    previous.sa_handler = SIG_DFL;
  }
  if (next.sa_flags & SA_SIGINFO) {
    next.sa_sigaction(number, info, machine_context);
  } else if (next.sa_handler == SIG_DFL) {
    die_by_default(number, info);
  } else if (next.sa_handler != SIG_IGN) {
    next.sa_handler(number);
  } else if (info->si_code > 0) {
    // The kernel does not let a fault be ignored.
    die_by_default(number, info);
  }
}

void coro_overflow_watch(size_t size, coro_overflow_describe function) {
  static _Atomic _Bool is_installed;
  if (__c11_atomic_exchange(&is_installed, 1, __ATOMIC_ACQ_REL)) return;
  guard_size = size;
  describe = function;
  if (sigaction(SIGSEGV, NULL, &previous) != 0) return;
  struct sigaction action = previous;
  action.sa_sigaction = on_fault;
  // Its mask and its flags hold for the handler that is called from ours.
  action.sa_flags = (previous.sa_flags & (SA_NODEFER | SA_RESTART)) | SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, NULL);
}

// MARK: The alternate signal stack

// A sanitizer that describes a fault needs more than 64 KiB; what is not touched costs nothing.
enum { SIGNAL_STACK_SIZE = 256 * 1024, SIGNAL_STACK_GUARD = 4096 };

void coro_overflow_enter_thread(void) {
  coro_this_thread.overflown = NULL;
  stack_t current;
  if (sigaltstack(NULL, &current) != 0 || !(current.ss_flags & SS_DISABLE)) return;
  // Large vector registers make large signal frames.
  size_t size = SIGNAL_STACK_SIZE;
  long least = sysconf(_SC_SIGSTKSZ);
  if (least > 0 && (size_t)least > size) size = ((size_t)least + 4095) & ~(size_t)4095;
  char *low = mmap(NULL, SIGNAL_STACK_GUARD + size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (low == MAP_FAILED) return;
  (void)mprotect(low, SIGNAL_STACK_GUARD, PROT_NONE);
  stack_t ours = {.ss_sp = low + SIGNAL_STACK_GUARD, .ss_size = size, .ss_flags = 0};
  if (sigaltstack(&ours, NULL) != 0) {
    munmap(low, SIGNAL_STACK_GUARD + size);
    return;
  }
  coro_this_thread.signal_stack = low;
  coro_this_thread.signal_stack_size = SIGNAL_STACK_GUARD + size;
}

void coro_overflow_leave_thread(void) {
  char *low = coro_this_thread.signal_stack;
  if (low == NULL) return;
  stack_t current;
  if (sigaltstack(NULL, &current) != 0) return;  // Ours may be in use.
  // Somebody may have put another in its place; ours is not in use then.
  if (current.ss_sp == low + SIGNAL_STACK_GUARD) {
    stack_t none = {.ss_sp = NULL, .ss_size = 0, .ss_flags = SS_DISABLE};
    if (sigaltstack(&none, NULL) != 0) return;  // The loop ends on it: a handler runs it.
  }
  coro_this_thread.signal_stack = NULL;
  munmap(low, coro_this_thread.signal_stack_size);
}
