#pragma once
// <features.h> first: without it liburing's own fd_set definitions clash with Glibc's module.
#include <features.h>
// The kernel's definitions before liburing's copy of them (both have the same guard):
// swift-system's C module includes the kernel's, and two definitions of one structure can't be
// imported together.
#include <linux/io_uring.h>
#include <liburing.h>
