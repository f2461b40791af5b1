#include "registers.h"

#if defined(__aarch64__)

const int registers_are_checked = 1;

// x19–x28: bits 0–9; d8–d15: bits 10–17; x29: bit 18; sp: bit 19.
__asm__(
    ".text\n"
    ".p2align 2\n"
    ".global check_registers\n"
    ".type check_registers, %function\n"
    "check_registers:\n"
    "hint #34\n"  // bti c
    "stp x29, x30, [sp, #-208]!\n"
    "mov x29, sp\n"
    "stp x19, x20, [sp, #16]\n"
    "stp x21, x22, [sp, #32]\n"
    "stp x23, x24, [sp, #48]\n"
    "stp x25, x26, [sp, #64]\n"
    "stp x27, x28, [sp, #80]\n"
    "stp d8, d9, [sp, #96]\n"
    "stp d10, d11, [sp, #112]\n"
    "stp d12, d13, [sp, #128]\n"
    "stp d14, d15, [sp, #144]\n"
    "str x2, [sp, #160]\n"   // seed
    "str x29, [sp, #168]\n"  // frame pointer
    ".irp number, 19,20,21,22,23,24,25,26,27,28\n"
    "add x\\number, x2, #\\number\n"
    ".endr\n"
    ".irp number, 8,9,10,11,12,13,14,15\n"
    "add x3, x2, #(100 + \\number)\n"
    "fmov d\\number, x3\n"
    ".endr\n"
    "mov x9, x0\n"
    "mov x0, x1\n"
    "blr x9\n"
    // From here on nothing but sp is believed; were it wrong, the seed would be too.
    "ldr x2, [sp, #160]\n"
    "mov x0, xzr\n"
    ".irp number, 19,20,21,22,23,24,25,26,27,28\n"
    "add x3, x2, #\\number\n"
    "cmp x\\number, x3\n"
    "cset x4, ne\n"
    "lsl x4, x4, #(\\number - 19)\n"
    "orr x0, x0, x4\n"
    ".endr\n"
    ".irp number, 8,9,10,11,12,13,14,15\n"
    "add x3, x2, #(100 + \\number)\n"
    "fmov x5, d\\number\n"
    "cmp x5, x3\n"
    "cset x4, ne\n"
    "lsl x4, x4, #(\\number + 2)\n"
    "orr x0, x0, x4\n"
    ".endr\n"
    "ldr x3, [sp, #168]\n"
    "cmp x29, x3\n"
    "cset x4, ne\n"
    "orr x0, x0, x4, lsl #18\n"
    "mov x5, sp\n"
    "cmp x5, x3\n"
    "cset x4, ne\n"
    "orr x0, x0, x4, lsl #19\n"
    "ldp x19, x20, [sp, #16]\n"
    "ldp x21, x22, [sp, #32]\n"
    "ldp x23, x24, [sp, #48]\n"
    "ldp x25, x26, [sp, #64]\n"
    "ldp x27, x28, [sp, #80]\n"
    "ldp d8, d9, [sp, #96]\n"
    "ldp d10, d11, [sp, #112]\n"
    "ldp d12, d13, [sp, #128]\n"
    "ldp d14, d15, [sp, #144]\n"
    "ldp x29, x30, [sp], #208\n"
    "ret\n"
    ".size check_registers, . - check_registers\n");

#elif defined(__x86_64__)

const int registers_are_checked = 1;

// rbx, r12–r15: bits 0–4; rbp: bit 5.
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".global check_registers\n"
    ".type check_registers, @function\n"
    "check_registers:\n"
    "pushq %rbp\n"
    "movq %rsp, %rbp\n"
    "pushq %rbx\n"
    "pushq %r12\n"
    "pushq %r13\n"
    "pushq %r14\n"
    "pushq %r15\n"
    "pushq %rdx\n"
    "pushq %rbp\n"
    "pushq %rbp\n"
    "leaq 1(%rdx), %rbx\n"
    "leaq 2(%rdx), %r12\n"
    "leaq 3(%rdx), %r13\n"
    "leaq 4(%rdx), %r14\n"
    "leaq 5(%rdx), %r15\n"
    "movq %rdi, %rax\n"
    "movq %rsi, %rdi\n"
    "callq *%rax\n"
    "movq 16(%rsp), %rdx\n"
    "xorl %eax, %eax\n"
    ".macro compare register, number\n"
    "leaq \\number(%rdx), %rcx\n"
    "xorl %esi, %esi\n"
    "cmpq %rcx, \\register\n"
    "setne %sil\n"
    "shlq $(\\number - 1), %rsi\n"
    "orq %rsi, %rax\n"
    ".endm\n"
    "compare %rbx, 1\n"
    "compare %r12, 2\n"
    "compare %r13, 3\n"
    "compare %r14, 4\n"
    "compare %r15, 5\n"
    "xorl %esi, %esi\n"
    "cmpq 8(%rsp), %rbp\n"
    "setne %sil\n"
    "shlq $5, %rsi\n"
    "orq %rsi, %rax\n"
    "addq $24, %rsp\n"
    "popq %r15\n"
    "popq %r14\n"
    "popq %r13\n"
    "popq %r12\n"
    "popq %rbx\n"
    "popq %rbp\n"
    "retq\n"
    ".size check_registers, . - check_registers\n");

#else

const int registers_are_checked = 0;

uint64_t check_registers(void (*function)(void *), void *argument, uint64_t seed) {
  (void)seed;
  function(argument);
  return 0;
}

#endif
