#include "runtime/database/file_lock.hpp"

#include <cerrno>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "runtime/core/system_error.hpp"
#include "runtime/database/disk_lookup.hpp"

namespace millrace::postgres {

namespace {
// flock() itself can only wait for ever.
constexpr std::chrono::milliseconds poll_interval{10};
}  // namespace

result<file_lock> file_lock::open(const std::filesystem::path& file) {
  auto descriptor =
      unique_fd{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!descriptor && is_exhaustion(errno))
    return tl::unexpected(system_error(errno, "the lock " + file.string() + " cannot be opened"));
  if (!descriptor)
    return fail(errno == ENOSPC ? ec::disk_full : ec::data_directory,
                "the lock " + file.string() + " could not be opened: " + std::strerror(errno) +
                    "; run as the user that owns the data directory, or give another --data");
  return file_lock{std::move(descriptor)};
}

bool file_lock::try_exclusive() {
  return ::flock(descriptor_.get(), LOCK_EX | LOCK_NB) == 0;
}

bool file_lock::try_shared() {
  return ::flock(descriptor_.get(), LOCK_SH | LOCK_NB) == 0;
}

bool file_lock::exclusive_within(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!try_exclusive()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(poll_interval);
  }
  return true;
}

void file_lock::unlock() {
  ::flock(descriptor_.get(), LOCK_UN);
}

bool file_lock::is_replaced_at(const std::filesystem::path& file) const {
  struct stat held {};
  struct stat there {};
  return ::fstat(descriptor_.get(), &held) == 0 && ::stat(file.c_str(), &there) == 0 &&
         (held.st_dev != there.st_dev || held.st_ino != there.st_ino);
}

}  // namespace millrace::postgres
