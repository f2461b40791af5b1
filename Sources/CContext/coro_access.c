#define _GNU_SOURCE 1
#include "coro_access.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

extern void swift_beginAccess(void *target, void *buffer, uintptr_t flags, void *pc)
    __attribute__((weak));
extern void swift_endAccess(void *buffer) __attribute__((weak));
extern char *swift_demangle(const char *name, size_t length, char *buffer, size_t *size,
                            uint32_t flags) __attribute__((weak));

// MARK: The list

// What the runtime writes into the buffer of an access that it tracks, as
// `coro_access_layout_is_known` checks.
typedef struct access_record {
  void *target;
  const void *place;
  // The next record's address; bit 0 is set in a modification.
  uintptr_t next_and_action;
} access_record;

enum { READ_AND_TRACK = 0x20, MODIFY_AND_TRACK = 0x21, IS_MODIFICATION = 1 };

static access_record *next_of(const access_record *record) {
  return (access_record *)(record->next_and_action & ~(uintptr_t)IS_MODIFICATION);
}

_Bool coro_access_layout_is_known(const coro_words *words) {
  if (!&swift_beginAccess || !&swift_endAccess) return 0;
  static _Thread_local char outer_target, inner_target;
  // Larger than the three words that the runtime asks for, and of the type that is checked.
  access_record outer[2], inner[2];
  memset(outer, 0, sizeof outer);
  memset(inner, 0, sizeof inner);
  void *const *head = words->location[CORO_WORD_EXCLUSIVITY];
  void *before = *head;
  void *outer_place = &outer_target, *inner_place = &inner_target;
  swift_beginAccess(&outer_target, outer, MODIFY_AND_TRACK, outer_place);
  swift_beginAccess(&inner_target, inner, READ_AND_TRACK, inner_place);
  _Bool is_known = *head == (void *)inner && inner->target == &inner_target &&
                   inner->place == inner_place && inner->next_and_action == (uintptr_t)outer &&
                   outer->target == &outer_target && outer->place == outer_place &&
                   outer->next_and_action == ((uintptr_t)before | IS_MODIFICATION);
  swift_endAccess(inner);
  swift_endAccess(outer);
  return is_known && *head == before;
}

// MARK: Once a place

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const void **reported;
static size_t reported_count, reported_room;

static _Bool is_first_report(const void *place) {
  for (size_t i = 0; i < reported_count; i++) {
    if (reported[i] == place) return 0;
  }
  if (reported_count == reported_room) {
    size_t room = reported_room ? 2 * reported_room : 64;
    const void **larger = realloc(reported, room * sizeof *reported);
    // Without memory a report too many is better than none.
    if (larger == NULL) return 1;
    reported = larger;
    reported_room = room;
  }
  reported[reported_count++] = place;
  return 1;
}

const void *coro_access_next_modification(const coro_words *words) {
  const void *found = NULL;
  const access_record *record = *words->location[CORO_WORD_EXCLUSIVITY];
  if (record == NULL) return NULL;
  pthread_mutex_lock(&lock);
  for (; record != NULL && found == NULL; record = next_of(record)) {
    if (!(record->next_and_action & IS_MODIFICATION) || record->place == NULL) continue;
    if (is_first_report(record->place)) found = record->place;
  }
  pthread_mutex_unlock(&lock);
  return found;
}

// MARK: Names of places

typedef struct module_of_place {
  uintptr_t place;
  uintptr_t base;
  char path[1024];
} module_of_place;

static int visit_module(struct dl_phdr_info *info, size_t info_size, void *context) {
  (void)info_size;
  module_of_place *module = context;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t low = info->dlpi_addr + header->p_vaddr;
    if (header->p_type != PT_LOAD || module->place < low ||
        module->place - low >= header->p_memsz) {
      continue;
    }
    module->base = info->dlpi_addr;
    snprintf(module->path, sizeof module->path, "%s", info->dlpi_name ? info->dlpi_name : "");
    if (module->path[0] != 0) return 1;
    // The program itself has no name here.
    ssize_t length = readlink("/proc/self/exe", module->path, sizeof module->path - 1);
    module->path[length > 0 ? length : 0] = 0;
    return 1;
  }
  return 0;
}

// The mangled name of the function at an offset, from one of the file's tables of symbols.
static const char *find_symbol(const char *file, size_t size, uint32_t table, uintptr_t offset) {
  const ElfW(Ehdr) *header = (const void *)file;
  if (size < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_shentsize != sizeof(ElfW(Shdr)) || header->e_shoff > size ||
      (size - header->e_shoff) / sizeof(ElfW(Shdr)) < header->e_shnum) {
    return NULL;
  }
  const ElfW(Shdr) *sections = (const void *)(file + header->e_shoff);
  for (unsigned i = 0; i < header->e_shnum; i++) {
    const ElfW(Shdr) *section = &sections[i];
    if (section->sh_type != table || section->sh_link >= header->e_shnum) continue;
    const ElfW(Shdr) *strings = &sections[section->sh_link];
    if (section->sh_offset > size || section->sh_size > size - section->sh_offset ||
        strings->sh_offset > size || strings->sh_size > size - strings->sh_offset ||
        strings->sh_size == 0 || file[strings->sh_offset + strings->sh_size - 1] != 0) {
      continue;
    }
    const ElfW(Sym) *symbols = (const void *)(file + section->sh_offset);
    for (size_t n = 0; n < section->sh_size / sizeof *symbols; n++) {
      if ((symbols[n].st_info & 0xF) == STT_FUNC && offset >= symbols[n].st_value &&
          offset - symbols[n].st_value < symbols[n].st_size &&
          symbols[n].st_name < strings->sh_size) {
        return file + strings->sh_offset + symbols[n].st_name;
      }
    }
  }
  return NULL;
}

static void write_name(const module_of_place *module, char *text, size_t size) {
  // dladdr knows exported functions alone, and a program exports hardly any.
  int descriptor = open(module->path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  struct stat status;
  void *file = MAP_FAILED;
  size_t file_size = 0;
  if (fstat(descriptor, &status) == 0 && status.st_size > 0) {
    file_size = (size_t)status.st_size;
    file = mmap(NULL, file_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  }
  close(descriptor);
  if (file == MAP_FAILED) return;
  // The address that a call returns to may be the next function's first.
  uintptr_t offset = module->place - module->base - 1;
  const char *name = find_symbol(file, file_size, SHT_SYMTAB, offset);
  if (name == NULL) name = find_symbol(file, file_size, SHT_DYNSYM, offset);
  if (name != NULL) {
    char *readable =
        &swift_demangle ? swift_demangle(name, strlen(name), NULL, NULL, 0) : NULL;
    snprintf(text, size, "%s ", readable ? readable : name);
    free(readable);
  }
  munmap(file, file_size);
}

void coro_place_describe(const void *place, char *text, size_t size) {
  module_of_place module = {.place = (uintptr_t)place};
  text[0] = 0;
  if (dl_iterate_phdr(visit_module, &module) == 0) {
    snprintf(text, size, "%p", place);
    return;
  }
  write_name(&module, text, size);
  size_t used = strlen(text);
  snprintf(text + used, size - used, "(%s+0x%zx)", module.path,
           (size_t)(module.place - module.base));
}
