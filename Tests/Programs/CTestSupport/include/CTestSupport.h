// What tests need from C.
#pragma once

// From now on the kernel answers io_uring_setup with this errno value, as a container's seccomp
// profile does. 0, or -1 with errno set.
int test_deny_io_uring(int reason);

// The same for io_uring_enter: a ring can be made and not be used.
int test_deny_entering_io_uring(int reason);

// fork(2), which Swift hides. The child may only do what is safe after a fork of one thread.
int test_fork(void);
