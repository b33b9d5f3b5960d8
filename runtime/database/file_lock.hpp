// An advisory lock between processes: flock(2) on a file of its own. The kernel releases it when
// its holder dies, however it dies. Not thread-safe; two objects on one file exclude each other
// also within one process.
#pragma once

#include <chrono>
#include <filesystem>

#include "runtime/core/error.hpp"
#include "runtime/core/unique_fd.hpp"

namespace millrace::postgres {

class file_lock {
 public:
  /// Opens the file, making it where it is missing; holds nothing yet.
  static result<file_lock> open(const std::filesystem::path& file);

  bool try_exclusive();
  bool try_shared();
  /// False where others held it for all of `limit`.
  bool exclusive_within(std::chrono::milliseconds limit);
  void unlock();
  /// True if `file` names another file by now: then this lock says nothing about what is there.
  bool is_replaced_at(const std::filesystem::path& file) const;
  /// For a program that inherits the lock: it is held until that one has ended too, or unlock().
  int descriptor() const { return descriptor_.get(); }

 private:
  explicit file_lock(unique_fd descriptor) : descriptor_{std::move(descriptor)} {}
  unique_fd descriptor_;
};

}  // namespace millrace::postgres
