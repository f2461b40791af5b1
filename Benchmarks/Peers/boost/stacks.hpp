// Where fibers have their stacks from, of Boost's default size (128 KiB).
//
// Boost's own default, fixedsize_stack, is malloc. A protected_fixedsize_stack has a guard page, as
// a careful user would like to have it; but that takes a call of mmap, mprotect and munmap for each
// fiber and two of the process's 65,530 mappings (vm.max_map_count), so that 100,000 fibers cannot
// have it. No stack here has a guard.
#pragma once

#include <boost/fiber/all.hpp>
#include <memory>  // std::allocator_arg, by which a fiber is told

// For fibers that live long: nothing is touched but what the fiber touches, and malloc's own words.
using LastingStacks = boost::fibers::fixedsize_stack;

// For fibers that come and go: a stack that is given back is what the next one takes. A pool grows
// by doubling and writes to the lowest words of stacks that are free, so that many fibers occupy
// more than with malloc.
using PooledStacks = boost::fibers::pooled_fixedsize_stack;
