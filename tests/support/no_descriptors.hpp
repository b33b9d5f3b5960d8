// Takes all descriptors of this process.
#pragma once

#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>

#include "runtime/core/unique_fd.hpp"

namespace millrace {

/// While it lives, this process has no descriptor left.
class no_descriptors {
 public:
  no_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    auto few = before_;
    few.rlim_cur = 128;
    ::setrlimit(RLIMIT_NOFILE, &few);
    while (true) {
      unique_fd taken{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
      if (!taken) break;
      taken_.push_back(std::move(taken));
    }
  }
  ~no_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  no_descriptors(const no_descriptors&) = delete;
  no_descriptors& operator=(const no_descriptors&) = delete;

 private:
  rlimit before_{};
  std::vector<unique_fd> taken_;
};

}  // namespace millrace
