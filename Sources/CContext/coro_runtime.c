#define _GNU_SOURCE 1
#include "coro_runtime.h"

#include <link.h>
#include <malloc.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

_Thread_local coro_thread coro_this_thread __attribute__((tls_model("initial-exec")));

// MARK: Identifiers

enum { IDENT_BLOCK = 64 };
static _Atomic uint64_t next_ident_block = 1;

uint64_t coro_next_ident(void) {
  coro_thread *thread = &coro_this_thread;
  if (thread->next_ident == thread->end_ident) {
    thread->next_ident = __c11_atomic_fetch_add(&next_ident_block, IDENT_BLOCK, __ATOMIC_RELAXED);
    thread->end_ident = thread->next_ident + IDENT_BLOCK;
  }
  return thread->next_ident++;
}

_Bool coro_is_main_thread(void) { return gettid() == getpid(); }

int coro_thread_id(void) { return gettid(); }

// MARK: Finding a module's thread-local block

typedef struct module_search {
  uintptr_t code;  // an address inside the module
  char *block;     // the calling thread's block
  size_t size;
} module_search;

static int visit_module(struct dl_phdr_info *info, size_t info_size, void *context) {
  module_search *search = context;
  _Bool found = 0;
  size_t size = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t low = info->dlpi_addr + header->p_vaddr;
    if (header->p_type == PT_LOAD && search->code >= low && search->code < low + header->p_memsz) {
      found = 1;
    }
    if (header->p_type == PT_TLS) size = header->p_memsz;
  }
  if (!found) return 0;
  // NULL until the thread's first access to the block of a module that was loaded by dlopen.
  if (info_size >= sizeof(struct dl_phdr_info) && info->dlpi_tls_data != NULL) {
    search->block = info->dlpi_tls_data;
    search->size = size;
  }
  return 1;
}

static module_search find_block(const void *code) {
  module_search search = {.code = (uintptr_t)code};
  dl_iterate_phdr(visit_module, &search);
  return search;
}

// MARK: Words

extern void swift_beginAccess(void *target, void *buffer, uintptr_t flags, void *pc)
    __attribute__((weak));
extern void swift_endAccess(void *buffer) __attribute__((weak));
__attribute__((swiftcall)) extern void *swift_task_getCurrent(void) __attribute__((weak));

void coro_words_reset(coro_words *words) {
  for (int i = 0; i < CORO_WORD_COUNT; i++) {
    words->unused[i] = NULL;
    words->location[i] = &words->unused[i];
  }
  words->uses_exclusivity_calls = 0;
  words->must_tell = 0;
  coro_words_settle(words);
}

// Opens an access, whose record the runtime puts at the head of the thread's list, and looks for
// the word that holds the record's address.
_Bool coro_words_find_exclusivity(coro_words *words) {
  if (!&swift_beginAccess || !&swift_endAccess) return 0;
  enum { MODIFY_AND_TRACK = 0x21 };
  static _Thread_local char target;
  void *record[4] = {0};
  void **found = NULL;

  // The access comes first: it makes the thread's block exist.
  swift_beginAccess(&target, record, MODIFY_AND_TRACK, NULL);
  module_search search = find_block((const void *)&swift_beginAccess);
  for (size_t offset = 0; offset + sizeof(void *) <= search.size; offset += sizeof(void *)) {
    void **word = (void **)(search.block + offset);
    if (*word == (void *)record) {
      found = word;
      break;
    }
  }
  swift_endAccess(record);

  if (found == NULL || *found == (void *)record) return 0;
  words->location[CORO_WORD_EXCLUSIVITY] = found;
  coro_words_settle(words);
  return 1;
}

_Bool coro_concurrency_block(void **low, size_t *size) {
  if (!&swift_task_getCurrent) return 0;
  (void)swift_task_getCurrent();
  module_search search = find_block((const void *)&swift_task_getCurrent);
  *low = search.block;
  *size = search.size;
  return search.block != NULL;
}

size_t coro_allocation_size(void *allocation) { return malloc_usable_size(allocation); }

__attribute__((noinline)) uintptr_t coro_stack_address(void) {
  return (uintptr_t)__builtin_frame_address(0);
}
