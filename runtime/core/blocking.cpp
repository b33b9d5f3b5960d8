#include "runtime/core/blocking.hpp"

#include <cstdio>
#include <cstdlib>

namespace millrace {

namespace {
thread_local bool blocking_forbidden = false;
}

no_blocking_scope::no_blocking_scope() noexcept : previous_{blocking_forbidden} {
  blocking_forbidden = true;
}

no_blocking_scope::~no_blocking_scope() {
  blocking_forbidden = previous_;
}

void assert_may_block([[maybe_unused]] const char* what) noexcept {
#ifdef MILLRACE_CHECK_BLOCKING
  if (!blocking_forbidden) return;
  std::fprintf(stderr, "millrace: blocking call on an actor scheduler's thread: %s\n", what);
  std::abort();
#endif
}

}  // namespace millrace
