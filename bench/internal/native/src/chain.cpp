// The chain in C++20 coroutines: tasks that start when they are awaited and hand over to
// each other by symmetric transfer. Usage: chain MODE MILLISECONDS. The mode is the source of
// frames:
//   new      operator new
//   recycle  a free list of the thread, by size class; the compiler sees all of it
//   pmr      a std::pmr::memory_resource found in a thread-local and remembered in the
//            frame, which recycles in the same way: what Boost.Capy does
//   elided   the frames of the awaiting tasks, where the compiler does that
#include "sample.h"

#include <atomic>
#include <bit>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory_resource>
#include <new>
#include <utility>

namespace {

// free_lists are a thread's free frames, by powers of two from 64 bytes to 2 KiB. A list
// is bounded; a frame that does not fit is freed.
class free_lists {
  static constexpr unsigned classes = 6, room = 16;
  struct list {
    unsigned count = 0;
    void* frames[room] = {};
  } lists[classes];

 public:
  static unsigned class_of(std::size_t n) { return n <= 64 ? 0 : std::bit_width((n - 1) >> 6); }
  void* allocate(std::size_t n) {
    unsigned k = class_of(n);
    if (k >= classes) return ::operator new(n);
    list& l = lists[k];
    return l.count ? l.frames[--l.count] : ::operator new(std::size_t(64) << k);
  }
  void deallocate(void* p, std::size_t n) {
    unsigned k = class_of(n);
    if (k < classes && lists[k].count < room) lists[k].frames[lists[k].count++] = p;
    else ::operator delete(p);
  }
};
constinit thread_local free_lists local_lists;  // no destructor, so no guard; the process ends soon

struct recycling_resource final : std::pmr::memory_resource {
  void* do_allocate(std::size_t n, std::size_t) override { return local_lists.allocate(n); }
  void do_deallocate(void* p, std::size_t n, std::size_t) override { local_lists.deallocate(p, n); }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
} recycling;
constinit thread_local std::pmr::memory_resource* current_resource = &recycling;

// The source of frames is a base of the promise, with the operators new and delete of the
// frame. enter is called when a task starts, resumed whenever it resumes.
struct from_new {
  void enter() noexcept {}
  void resumed() noexcept {}
};

struct from_lists {
  static void* operator new(std::size_t n) { return local_lists.allocate(n); }
  static void operator delete(void* p, std::size_t n) { local_lists.deallocate(p, n); }
  void enter() noexcept {}
  void resumed() noexcept {}
};

struct from_resource {
  std::pmr::memory_resource* resource = current_resource;
  static void* operator new(std::size_t n) {
    auto* from = current_resource;
    auto* p = static_cast<std::byte*>(from->allocate(n + sizeof from, alignof(std::max_align_t)));
    memcpy(p + n, &from, sizeof from);  // the frame remembers its resource
    return p;
  }
  static void operator delete(void* p, std::size_t n) {
    std::pmr::memory_resource* from;
    memcpy(&from, static_cast<std::byte*>(p) + n, sizeof from);
    from->deallocate(p, n + sizeof from, alignof(std::max_align_t));
  }
  void enter() noexcept { resumed(); }
  void resumed() noexcept { current_resource = resource; }
};

// environment is what a task inherits from the task that awaits it.
struct environment {
  void* executor;
  std::atomic<bool>* stop;
};

#if __has_cpp_attribute(clang::coro_await_elidable)
#define AWAIT_ELIDABLE [[clang::coro_await_elidable]]
constexpr bool can_elide = true;
#else
#define AWAIT_ELIDABLE
constexpr bool can_elide = false;
#endif

template <class From>
struct promise_base : From {
  std::coroutine_handle<> continuation;
  environment* env = nullptr;
  std::exception_ptr failure;

  struct first {
    promise_base* promise;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept { promise->enter(); }
  };
  struct last {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) const noexcept { return h.promise().continuation; }
    void await_resume() const noexcept {}
  };
  first initial_suspend() noexcept { return {this}; }
  last final_suspend() noexcept { return {}; }
  void return_void() noexcept {}
  void unhandled_exception() noexcept { failure = std::current_exception(); }
};

// A task type is written twice, since the attribute cannot depend on a parameter.
#define TASK(NAME, ATTRIBUTE)                                                                \
  template <class From>                                                                      \
  struct ATTRIBUTE NAME {                                                                    \
    struct promise_type : promise_base<From> {                                               \
      NAME get_return_object() noexcept {                                                    \
        return NAME(std::coroutine_handle<promise_type>::from_promise(*this));               \
      }                                                                                      \
    };                                                                                       \
    std::coroutine_handle<promise_type> handle;                                              \
    explicit NAME(std::coroutine_handle<promise_type> h) noexcept : handle(h) {}             \
    NAME(NAME&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}            \
    ~NAME() {                                                                                \
      if (handle) handle.destroy();                                                          \
    }                                                                                        \
    struct awaiter {                                                                         \
      std::coroutine_handle<promise_type> child;                                             \
      std::coroutine_handle<promise_type> parent;                                            \
      bool await_ready() const noexcept { return false; }                                    \
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept { \
        parent = h;                                                                          \
        child.promise().continuation = h;                                                    \
        child.promise().env = h.promise().env;                                               \
        return child;                                                                        \
      }                                                                                      \
      void await_resume() const {                                                            \
        parent.promise().resumed();                                                          \
        if (child.promise().failure) std::rethrow_exception(child.promise().failure);        \
      }                                                                                      \
    };                                                                                       \
    awaiter operator co_await() && noexcept { return {handle, nullptr}; }                    \
  };
TASK(task, )
TASK(elidable_task, AWAIT_ELIDABLE)

std::atomic<unsigned long> leaves;

// The four depths and the loop, with tasks T. The functions are not inlined, as if they were in
// different files, unless frames may be elided.
#define CHAIN(NAME, KEEP)                                                   \
  template <class T>                                                        \
  struct NAME {                                                             \
    KEEP static T depth4() {                                                \
      leaves.fetch_add(1, std::memory_order_relaxed);                       \
      co_return;                                                            \
    }                                                                       \
    KEEP static T depth3() {                                                \
      for (int i = 0; i < 3; i++) co_await depth4();                        \
    }                                                                       \
    KEEP static T depth2() {                                                \
      for (int i = 0; i < 3; i++) co_await depth3();                        \
    }                                                                       \
    KEEP static T depth1() {                                                \
      for (int i = 0; i < 5; i++) co_await depth2();                        \
    }                                                                       \
    KEEP static T loop(unsigned long n) {                                   \
      for (unsigned long i = 0; i < n; i++) co_await depth1();              \
    }                                                                       \
    static void run(unsigned long n) {                                      \
      std::atomic<bool> stop{false};                                        \
      environment env{nullptr, &stop};                                      \
      leaves = 0;                                                           \
      T root = loop(n);                                                     \
      root.handle.promise().continuation = std::noop_coroutine();           \
      root.handle.promise().env = &env;                                     \
      root.handle.resume();                                                 \
      check("done", root.handle.done(), 1);                                 \
      check("leaves", leaves, 45 * n);                                      \
    }                                                                       \
  };
CHAIN(chain, [[gnu::noinline]])
CHAIN(inlinable_chain, )

}  // namespace

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  double milliseconds = argc > 2 ? atof(argv[2]) : 100;
  constexpr double frames = 66;
  if (!strcmp(mode, "new")) report(milliseconds, frames, chain<task<from_new>>::run);
  else if (!strcmp(mode, "recycle")) report(milliseconds, frames, chain<task<from_lists>>::run);
  else if (!strcmp(mode, "pmr")) report(milliseconds, frames, chain<task<from_resource>>::run);
  else if (!strcmp(mode, "elided") && can_elide) report(milliseconds, frames, inlinable_chain<elidable_task<from_lists>>::run);
  else if (!strcmp(mode, "elided")) {
    fprintf(stderr, "the compiler has no [[clang::coro_await_elidable]]\n");
    return exit_missing;
  } else return 2;
}
