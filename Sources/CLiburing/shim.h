#pragma once
// <features.h> first: without it liburing's own fd_set definitions clash with Glibc's module.
#include <features.h>
// The kernel's definitions before liburing's copy of them (both have the same guard):
// swift-system's C module includes the kernel's, and two definitions of one structure can't be
// imported together.
#include <linux/io_uring.h>
#include <liburing.h>

// The completion that is next in the queue's shared memory, or NULL: what io_uring_peek_cqe(3)
// looks at first, without its call.
static inline const struct io_uring_cqe *coro_ring_peek(const struct io_uring *ring) {
  unsigned head = *ring->cq.khead;
  if (head == io_uring_smp_load_acquire(ring->cq.ktail)) return NULL;
  return &ring->cq.cqes[head & ring->cq.ring_mask];
}

// Gives its place in the queue back.
static inline void coro_ring_advance(struct io_uring *ring) {
  io_uring_smp_store_release(ring->cq.khead, *ring->cq.khead + 1);
}

// A free submission entry, all zero, or NULL: io_uring_get_sqe(3) for a ring that has neither a
// thread of the kernel's to submit (IORING_SETUP_SQPOLL) nor entries of double size.
//
// It is cleared here, because who does so is another matter of liburing's versions: up to 2.5 each
// io_uring_prep_… clears all that it does not set, and from 2.6 on io_uring_get_sqe does.
static inline struct io_uring_sqe *coro_ring_next_entry(struct io_uring *ring) {
  unsigned tail = ring->sq.sqe_tail;
  if (tail - *ring->sq.khead >= ring->sq.ring_entries) return NULL;
  ring->sq.sqe_tail = tail + 1;
  struct io_uring_sqe *entry = &ring->sq.sqes[tail & ring->sq.ring_mask];
  __builtin_memset(entry, 0, sizeof *entry);
  return entry;
}
