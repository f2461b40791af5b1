#pragma once

#if !defined(__linux__)
#error "swift-coroutines runs on Linux only: its backends are epoll and io_uring."
#endif

#include "coro_access.h"
#include "coro_context.h"
#include "coro_dispatch.h"
#include "coro_fork.h"
#include "coro_leak.h"
#include "coro_overflow.h"
#include "coro_pipe.h"
#include "coro_run_queue.h"
#include "coro_runtime.h"
#include "coro_signal.h"
#include "coro_stack.h"
