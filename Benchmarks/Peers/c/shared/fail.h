// How a peer ends when it cannot go on.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// One sentence on standard error, and exit status 64: the caller asked for what is not there.
__attribute__((noreturn, format(printf, 1, 2))) void fail_usage(const char *format, ...);

// "WHAT: the text of ERROR" on standard error, and exit status 1. ERROR is a value of errno.
__attribute__((noreturn)) void fail(const char *what, int error);

#ifdef __cplusplus
}
#endif
