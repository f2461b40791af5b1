// What tests need from C.
#pragma once

#include <stdint.h>

// From now on the kernel answers io_uring_setup with EPERM, as a container's seccomp profile does.
// 0, or -1 with errno set.
int test_deny_io_uring(void);

// fork(2), which Swift hides. The child may only do what is safe after a fork of one thread.
int test_fork(void);

// An address on the running stack; AddressSanitizer moves variables away from it.
uintptr_t test_stack_address(void);
