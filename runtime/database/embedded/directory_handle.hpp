// A data directory by descriptor: the same one after it was moved or removed, and never another one
// that is made at its path. While a handle lives, no other folder gets the inode.
//
// Any thread of this process, once a cluster is held.
#pragma once

#include <filesystem>
#include <optional>

#include "runtime/core/error.hpp"
#include "runtime/core/unique_fd.hpp"
#include "runtime/database/embedded/data_directory.hpp"

namespace millrace::postgres {

class directory_handle {
 public:
  /// resource_exhausted or data_directory if it cannot be opened.
  static result<directory_handle> open(const std::filesystem::path& root);
  /// Of the descriptor that this program inherited.
  explicit directory_handle(unique_fd root) : root_{std::move(root)} {}

  /// Holds the cluster that is in the directory, if there is one. The first stays for life:
  /// data_directory if another one, or none, is in its place by now.
  result<void> hold_cluster();

  /// False if `path` is another directory by now, or none.
  bool is_at(const std::filesystem::path& path) const;
  /// The directory, wherever it is, by paths that only this process can use, and only while this
  /// handle lives. None while no cluster is held.
  std::optional<data_directory> lookup() const;
  /// For a program that inherits it.
  int descriptor() const { return root_.get(); }

 private:
  unique_fd root_;
  unique_fd cluster_;
};

}  // namespace millrace::postgres
