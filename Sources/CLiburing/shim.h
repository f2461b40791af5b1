#pragma once
// <features.h> first: without it liburing's own fd_set definitions clash with Glibc's module.
#include <features.h>
// The kernel's definitions before liburing's copy of them (both have the same guard):
// swift-system's C module includes the kernel's, and two definitions of one structure can't be
// imported together.
#include <linux/io_uring.h>
#include <liburing.h>
#include <time.h>

// The completion that is next in the queue's shared memory, or NULL: what io_uring_peek_cqe(3)
// looks at first, without its call.
static inline const struct io_uring_cqe *coro_ring_peek(const struct io_uring *ring) {
  unsigned head = *ring->cq.khead;
  if (head == io_uring_smp_load_acquire(ring->cq.ktail)) return NULL;
  return &ring->cq.cqes[head & ring->cq.ring_mask];
}

// How far the kernel has filled the queue of completions.
static inline unsigned coro_ring_completion_tail(const struct io_uring *ring) {
  return io_uring_smp_load_acquire(ring->cq.ktail);
}

// Gives the places before `head` back.
static inline void coro_ring_advance(struct io_uring *ring, unsigned head) {
  io_uring_smp_store_release(ring->cq.khead, head);
}

// Looks for a completion, or for a sign of one that the kernel gives when it is entered, until
// CLOCK_MONOTONIC says `end`, in nanoseconds. The ring has IORING_SETUP_TASKRUN_FLAG.
static inline _Bool coro_ring_spin(const struct io_uring *ring, int64_t end) {
  const unsigned signs = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
  while (1) {
    if (coro_ring_peek(ring) != NULL || (io_uring_smp_load_acquire(ring->sq.kflags) & signs)) {
      return 1;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec * INT64_C(1000000000) + now.tv_nsec >= end) return 0;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
  }
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

// Queues IORING_OP_RECV or IORING_OP_SEND, in one go.
//
// False: there is no free entry. One entry carries 32 bits of length, and the kernel no more than
// MAX_RW_COUNT.
static inline __attribute__((always_inline)) _Bool coro_ring_queue_transfer(
    struct io_uring *ring, uint8_t opcode, int descriptor, const void *address, size_t length,
    int flags, uint64_t word) {
  unsigned tail = ring->sq.sqe_tail;
  if (tail - *ring->sq.khead >= ring->sq.ring_entries) return 0;
  ring->sq.sqe_tail = tail + 1;
  ring->sq.sqes[tail & ring->sq.ring_mask] = (struct io_uring_sqe){
      .opcode = opcode,
      .fd = descriptor,
      .addr = (uintptr_t)address,
      .len = length < 0x7ffff000 ? (uint32_t)length : 0x7ffff000,
      .msg_flags = (uint32_t)flags,
      .user_data = word,
  };
  return 1;
}
