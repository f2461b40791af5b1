// Handlers of SIGSEGV, and fork.
#pragma once

// The first writes "handled" and ends the process with status 9; the second writes it and returns;
// the third makes the page whose address it returns accessible, and returns.
void test_on_fault_print_and_exit(int flags);
void test_on_fault_print_and_return(int flags);
void *test_on_fault_repair(void);

// Calls `body(context)` in a child made by fork, which exits with what it returns; waits for the
// child, and returns its status as waitpid has it.
int test_fork_and_wait(int (*body)(void *), void *context);
