// The disciplines of allocators, for the allocator that this is linked with.
// Usage: alloc MODE MILLISECONDS
#include "sample.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

enum { size = 128, batch = 1000, slots = 1024, block = 32 };

#if defined(MIMALLOC)
void* mi_malloc(size_t);
void mi_free(void*);
int mi_version(void);
#define get mi_malloc
#define put mi_free
static void version(void) { printf("mimalloc %d.%d.%d\n", mi_version() / 100, mi_version() / 10 % 10, mi_version() % 10); }
#elif defined(TCMALLOC)
void* tc_malloc(size_t);
void tc_free(void*);
const char* tc_version(int*, int*, const char**);
#define get tc_malloc
#define put tc_free
static void version(void) { printf("%s\n", tc_version(0, 0, 0)); }
#elif defined(NOTHING)
static char memory[2 * slots][size];
static unsigned long at;
static void* get(size_t n) { (void)n; return memory[at++ % (2 * slots)]; }
static void put(void* p) { (void)p; }
static void version(void) { printf("none\n"); }
#elif defined(JEMALLOC)
int mallctl(const char*, void*, size_t*, void*, size_t);
#define get malloc
#define put free
static void version(void) {
  const char* v = "";
  size_t n = sizeof v;
  mallctl("version", &v, &n, 0, 0);
  printf("jemalloc %.*s\n", (int)strcspn(v, "-"), v);  // without the commit
}
#else
#define get malloc
#define put free
#ifdef __GLIBC__
#include <gnu/libc-version.h>
static void version(void) { printf("glibc %s\n", gnu_get_libc_version()); }
#else
#define NO_GLIBC  // the system's malloc is another one
static void version(void) { printf("none\n"); }
#endif
#endif

// The compiler must not remove an allocation.
#define opaque(p) __asm__ volatile("" : "+r"(p) : : "memory")

static inline uint64_t* take(uint64_t number) {
  uint64_t* p = get(size);
  opaque(p);
  *p = number;
  return p;
}

static inline uint64_t give(uint64_t* p) {
  uint64_t number = *p;
  put(p);
  return number;
}

static uint64_t below(uint64_t n) { return n * (n - 1) / 2; }

static void pairs(unsigned long n) {
  uint64_t sum = 0;
  for (unsigned long i = 0; i < n; i++) {
    uint64_t* p = take(i);
    opaque(p);
    sum += give(p);
  }
  check("the sum", sum, below(n));
}

static void batches(unsigned long n) {
  static uint64_t* v[batch];
  uint64_t sum = 0;
  for (unsigned long r = 0; r < n; r++) {
    for (int i = 0; i < batch; i++) v[i] = take(r * batch + i);
    for (int i = 0; i < batch; i++) sum += give(v[i]);
  }
  check("the sum", sum, below(n * batch));
}

// A ring from one thread to another. Both ends publish their progress after each block.
static struct {
  _Alignas(128) _Atomic(unsigned long) head;  // written by the receiver
  _Alignas(128) _Atomic(unsigned long) tail;  // written by the sender
  _Alignas(128) uint64_t* slot[slots];
} ring;

static void wait_a_little(unsigned* spins) {
  if (++*spins % 512 == 0) sched_yield();
}

static void* receive(void* arg) {
  unsigned long n = *(unsigned long*)arg;
  uint64_t sum = 0;
  unsigned spins = 0;
  for (unsigned long at = 0; at < n; at += block) {
    while (atomic_load_explicit(&ring.tail, memory_order_acquire) == at) wait_a_little(&spins);
    for (int i = 0; i < block; i++) sum += give(ring.slot[(at + i) % slots]);
    atomic_store_explicit(&ring.head, at + block, memory_order_release);
  }
  check("the sum", sum, below(n));
  return 0;
}

static void handovers(unsigned long rounds) {
  unsigned long n = rounds * slots;
  pthread_t receiver;
  unsigned spins = 0;
  atomic_store(&ring.head, 0);
  atomic_store(&ring.tail, 0);
  if (pthread_create(&receiver, 0, receive, &n)) exit(1);
  for (unsigned long at = 0; at < n; at += block) {
    while (at - atomic_load_explicit(&ring.head, memory_order_acquire) == slots) wait_a_little(&spins);
    for (int i = 0; i < block; i++) ring.slot[(at + i) % slots] = take(at + i);
    atomic_store_explicit(&ring.tail, at + block, memory_order_release);
  }
  pthread_join(receiver, 0);
}

// The random numbers and the sizes are those of the Go program.
static uint64_t roll(uint64_t* x) {
  *x ^= *x << 13;
  *x ^= *x >> 7;
  *x ^= *x << 17;
  return *x;
}

static void mixed(unsigned long rounds) {
  enum { live = 10000 };
  static uint64_t* pieces[live];
  uint64_t dice = 88172645463325252u, sum = 0, n = rounds * live;
  for (uint64_t i = 0; i < n; i++) {
    uint64_t r = roll(&dice);
    uint64_t** at = &pieces[(r >> 32) % live];
    if (*at) sum += give(*at);
    size_t low = (size_t)64 << (r % 6);
    *at = get(low + ((r >> 8) & (low - 1)) + 1);
    opaque(*at);
    **at = i;
  }
  for (int i = 0; i < live; i++) {
    if (pieces[i]) sum += give(pieces[i]);
    pieces[i] = 0;
  }
  check("the sum", sum, below(n));
}

static void* pairs_of_thread(void* n) {
  pairs(*(unsigned long*)n);
  return 0;
}

static void parallel(unsigned long n) {
  enum { most = 1024 };
  pthread_t threads[most];
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  if (count > most) count = most;
  for (long i = 0; i < count; i++)
    if (pthread_create(&threads[i], 0, pairs_of_thread, &n)) exit(1);
  for (long i = 0; i < count; i++) pthread_join(threads[i], 0);
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  double milliseconds = argc > 2 ? atof(argv[2]) : 100;
#ifdef NO_GLIBC
  fprintf(stderr, "the C library is not glibc\n");
  return exit_missing;
#endif
  if (!strcmp(mode, "version")) version();
  else if (!strcmp(mode, "pair")) report(milliseconds, 1, pairs);
  else if (!strcmp(mode, "batch")) report(milliseconds, batch, batches);
  else if (!strcmp(mode, "handover")) report(milliseconds, slots, handovers);
  else if (!strcmp(mode, "mixed")) report(milliseconds, 10000, mixed);
  else if (!strcmp(mode, "parallel")) report(milliseconds, 1, parallel);
  else return 2;
}
