// The exclusivity checker's list of open accesses, looked at to report modifications that are open
// while their coroutine waits.
#pragma once

#include "coro_runtime.h"

// True if the calling thread's list, whose word was found, is laid out as this file takes it to be:
// tried with two accesses.
_Bool coro_access_layout_is_known(const coro_words *words);

// Where a modification began that the running coroutine has open and that was not given out before
// in this process, the innermost first: an address in the code. NULL: there is no more.
const void *coro_access_next_modification(const coro_words *words);

// Writes the name of the function that holds the address `place`, and the file and offset of it,
// into `text`: "App.Parser.buffer.modify : [UInt8] (/usr/bin/app+0x1f00)".
void coro_place_describe(const void *place, char *text, size_t size);
