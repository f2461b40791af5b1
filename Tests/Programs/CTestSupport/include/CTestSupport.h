// What tests need from C.
#pragma once

#include <stdint.h>

#include "TestLife.h"

// From now on the kernel answers io_uring_setup with this errno value, as a container's seccomp
// profile does. 0, or -1 with errno set.
int test_deny_io_uring(int reason);

// The same for io_uring_enter: a ring can be made and not be used.
int test_deny_entering_io_uring(int reason);

// fork(2), which Swift hides. The child may only do what is safe after a fork of one thread.
int test_fork(void);

// An address on the running stack; AddressSanitizer moves variables away from it.
uintptr_t test_stack_address(void);

// The name of an errno value ("EMFILE"), or NULL.
const char *test_errno_name(int number);

// As many descriptors as this user may have.
void test_raise_descriptor_limit(void);

// Descriptors that poll(2) must be asked about: an eventfd in blocking mode, and a file in memory.
int test_event_descriptor(void);
int test_memory_file(void);

// SIGRTMIN + number, which is a call.
int test_realtime_signal(int number);

// Takes O_NONBLOCK away, with a call that the library does not make.
void test_make_blocking(int fd);
