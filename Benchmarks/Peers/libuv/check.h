// What libuv answers to a call that nothing but a lack of memory or descriptors can make fail.
#pragma once

// RESULT is a negative value of errno if the call failed.
void check(const char *call, int result);
