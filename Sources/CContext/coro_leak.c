#define _GNU_SOURCE 1
#include "coro_leak.h"

#include <pthread.h>
#include <search.h>
#include <stdlib.h>

extern void __lsan_register_root_region(const void *low, size_t size) __attribute__((weak));
extern void *__asan_addr_is_in_fake_stack(void *fake_stack, void *address, void **low, void **high)
    __attribute__((weak));
extern void __asan_unpoison_memory_region(const volatile void *low, size_t size)
    __attribute__((weak));

// LeakSanitizer scans the stacks that threads stand on, and no others. At the end of the process
// the live part of each other one becomes a root region of it: what ended frames left behind would
// hide leaks. Not before: it searches its regions one by one when one is taken away.
typedef struct leak_root {
  coro_context *context;
  char *high;
} leak_root;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *roots;  // a tree of tsearch(3), ordered by context

static int compare(const void *left, const void *right) {
  const leak_root *a = left, *b = right;
  return (a->context > b->context) - (a->context < b->context);
}

static void add(coro_context *context, char *high) {
  if (!&__lsan_register_root_region) return;
  leak_root *root = malloc(sizeof *root);
  if (root == NULL) return;
  *root = (leak_root){.context = context, .high = high};
  pthread_mutex_lock(&lock);
  if (tsearch(root, &roots, compare) != NULL) root = NULL;
  pthread_mutex_unlock(&lock);
  free(root);
}

void coro_leak_stack_begins(coro_context *context, void *high) {
  if (&__asan_unpoison_memory_region) {
    // The frames that left the stack for good never wiped their red zones.
    __asan_unpoison_memory_region(context->stack_low,
                                  (size_t)((char *)high - (char *)context->stack_low));
  }
  add(context, high);
}

void coro_leak_thread_begins(coro_context *context) {
  if (context->stack_low) add(context, (char *)context->stack_low + context->stack_size);
}

void coro_leak_stack_ends(coro_context *context) {
  if (!&__lsan_register_root_region) return;
  leak_root key = {.context = context};
  // Waits for a walk under way, which reads the stack.
  pthread_mutex_lock(&lock);
  void *node = tfind(&key, &roots, compare);
  if (node != NULL) {
    leak_root *root = *(leak_root **)node;
    (void)tdelete(root, &roots, compare);
    free(root);
  }
  pthread_mutex_unlock(&lock);
}

// MARK: At the end

// With detect_stack_use_after_return, the default, variables live in frames on the heap. Only those
// of the stacks that threads stand on are scanned; each one's address lies in the true frame.
__attribute__((no_sanitize("address"))) static void add_fake_frames(void *fake_stack, char *low,
                                                                    char *high) {
  for (void **word = (void **)low; word < (void **)high; word++) {
    void *frame_low = NULL, *frame_high = NULL;
    if (__asan_addr_is_in_fake_stack(fake_stack, *word, &frame_low, &frame_high) != NULL) {
      __lsan_register_root_region(frame_low, (size_t)((char *)frame_high - (char *)frame_low));
    }
  }
}

static void add_live_part(const void *node, VISIT visit, int depth) {
  (void)depth;
  if (visit != postorder && visit != leaf) return;
  const leak_root *root = *(leak_root *const *)node;
  coro_context *context = root->context;
  // Nothing is saved while somebody runs on it: then it is scanned as its thread's, but for the
  // top.
  char *low = (char *)context->stack_low + context->stack_size;
  // Who jumps may keep something in its red zone.
  enum { RED_ZONE = 128 };
  if (context->stack_pointer) low = (char *)context->stack_pointer - RED_ZONE;
  if (low < (char *)context->stack_low) low = context->stack_low;
  if (low < root->high) __lsan_register_root_region(low, (size_t)(root->high - low));
  if (context->stack_pointer && context->asan_fake_stack && &__asan_addr_is_in_fake_stack) {
    add_fake_frames(context->asan_fake_stack, low, root->high);
  }
}

static void add_live_parts(void) {
  pthread_mutex_lock(&lock);
  twalk(roots, add_live_part);
  pthread_mutex_unlock(&lock);
}

// So early that it is called after whatever the program registers itself, and runs coroutines in;
// and late enough to be called before LeakSanitizer's search.
__attribute__((constructor)) static void register_at_exit(void) {
  if (&__lsan_register_root_region) atexit(add_live_parts);
}
