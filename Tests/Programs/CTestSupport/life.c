#define _GNU_SOURCE 1
#include "TestLife.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *text) {
  ssize_t written = write(STDOUT_FILENO, text, strlen(text));
  (void)written;
}

static void print_and_exit(int number, siginfo_t *info, void *context) {
  (void)info;
  (void)context;
  say(number == SIGSEGV ? "handled\n" : "handled another\n");
  _exit(9);
}

static void print_and_return(int number) {
  (void)number;
  say("handled\n");
}

static void *page;

static void repair(int number, siginfo_t *info, void *context) {
  (void)number;
  (void)context;
  if (info->si_addr == page) mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void handle(void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handler;
  action.sa_flags = flags;
  sigaction(SIGSEGV, &action, NULL);
}

void test_on_fault_print_and_exit(int flags) {
  // Without SA_SIGINFO the last two arguments are not passed; they are not looked at.
  handle(print_and_exit, flags);
}

void test_on_fault_print_and_return(int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = print_and_return;
  action.sa_flags = flags;
  sigaction(SIGSEGV, &action, NULL);
}

void *test_on_fault_repair(void) {
  page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  handle(repair, SA_SIGINFO);
  return page;
}

int test_fork_and_wait(int (*body)(void *), void *context) {
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) exit(body(context));
  int status = -1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}
