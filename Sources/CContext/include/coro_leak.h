// What LeakSanitizer must be told of stacks: without it, nothing here does anything.
#pragma once

#include "coro_context.h"

// `context` was made, and nobody has run on its stack yet. From now on what the live part of the
// stack points at is no leak at the end of the process; a search before that (by
// `__lsan_do_leak_check`) knows nothing of it. [the context's top, `high`) belongs to the stack's
// owner and counts as live. AddressSanitizer forgets what it knew of the stack's last use.
void coro_leak_stack_begins(coro_context *context, void *high);

// The calling thread's own stack, which `coro_context_adopt_thread` described in `context`.
void coro_leak_thread_begins(coro_context *context);

// Nothing on the stack is needed any more; called before it is unmapped.
void coro_leak_stack_ends(coro_context *context);
