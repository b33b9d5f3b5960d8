#include "runtime/core/open_files.hpp"

#include <cerrno>

#include <sys/eventfd.h>
#include <sys/resource.h>

#include "runtime/core/unique_fd.hpp"

namespace millrace {

void raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::uint64_t open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return limit.rlim_cur;
}

bool descriptors_are_exhausted() {
  const unique_fd probe{::eventfd(0, EFD_CLOEXEC)};
  return !probe && (errno == EMFILE || errno == ENFILE);
}

}  // namespace millrace
