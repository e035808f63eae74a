// The programs in C and C++ take and report a sample with this. The number of operations grows
// until they take as long as planned, as in the Go program.
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

// The exit status of a program that cannot compete. It has written the reason to stderr.
enum { exit_missing = 3 };

static void check(const char* what, unsigned long got, unsigned long want) {
  if (got == want) return;
  fprintf(stderr, "check failed: %s is %lu, want %lu\n", what, got, want);
  exit(1);
}

// report prints the sample as JSON. run(n) performs n operations of so many parts.
static void report(double milliseconds, double parts, void (*run)(unsigned long n)) {
  unsigned long n = 1;
  for (;;) {
    double start = nanoseconds();
    run(n);
    double took = nanoseconds() - start;
    if (took >= milliseconds * 1e6) {
      printf("{\"ns\": %.4f}\n", took / (n * parts));
      return;
    }
    double by = took > 0 ? 1.2 * milliseconds * 1e6 / took : 100;
    n = n * (by < 1.1 ? 1.1 : by > 100 ? 100 : by) + 1;
  }
}
