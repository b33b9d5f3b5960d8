// A file that appears under its name only when it is complete. It is written as FILE.partial and
// then renamed, so a reader never finds half of it.
//
// FILE.partial is locked while it is written, also by programs that inherit its descriptor. Two
// writers of one file exclude each other, and what a killed writer left is written anew. Not
// thread-safe. Blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "runtime/core/error.hpp"
#include "runtime/core/unique_fd.hpp"

namespace millrace {

/// How long FILE.partial may be locked before that is an error. The program of a killed writer
/// needs a moment to end.
constexpr std::chrono::seconds partial_file_patience{3};

class partial_file {
 public:
  /// Makes FILE.partial, empty and readable by its owner only. One that is there is overwritten if
  /// it is empty or begins with `magic`, as what a killed writer left does.
  /// invalid_argument: `file` is not the name of a new file, FILE.partial is something else, or
  /// another process writes it. path_missing, permission_denied, disk_full, resource_exhausted.
  static result<partial_file> make(const std::filesystem::path& file, std::string_view magic);

  partial_file(partial_file&& other) noexcept;
  partial_file& operator=(partial_file&&) = delete;
  /// Removes FILE.partial, unless it was kept.
  ~partial_file();

  int descriptor() const { return descriptor_.get(); }
  /// Forces the content to the disk and renames it to FILE. Its size in bytes. invalid_argument if
  /// there is such a file by now: it is not overwritten.
  result<std::uint64_t> keep();

 private:
  partial_file(const std::filesystem::path& file, unique_fd descriptor);

  std::filesystem::path path_;
  std::filesystem::path file_;
  unique_fd descriptor_;
  bool ours_ = true;
};

/// Whether `file` can be the name of a new file: invalid_argument if it is empty, names a folder or
/// exists; path_missing if its folder does not exist.
result<void> check_new_file(const std::filesystem::path& file);

}  // namespace millrace
