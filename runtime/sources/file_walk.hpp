// Finds the files below a path: recursively, in a stable order, without following links to folders.
// Dotfiles, symlinks to nowhere or to folders, FIFOs, sockets and devices are skipped and counted.
//
// Blocks. Memory is bounded by the largest folder's listing times the depth (max_depth); files are
// handed over one by one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "runtime/core/error.hpp"

namespace millrace {

struct walk_filter {
  std::vector<std::string>
      include;  ///< Glob patterns on the path below the root or the file name; empty: all.
  std::vector<std::string> exclude;
};

struct found_file {
  std::string path;  ///< Absolute, as bytes.
  std::uint64_t size = 0;
};

struct walk_counts {
  std::uint64_t files = 0;
  std::uint64_t excluded = 0;
  std::uint64_t skipped_dotfiles = 0;
  std::uint64_t skipped_links = 0;
  std::uint64_t skipped_special = 0;  ///< FIFOs, sockets, devices.
  std::uint64_t unreadable_folders = 0;
};

/// Returns false to stop the walk.
using file_sink = std::function<bool(found_file)>;

inline constexpr int max_walk_depth = 256;

/// Walks one path, file or folder. path_missing where it does not exist; a path named by the user
/// is taken even if it is a dotfile or a link. Adds to `counts`.
result<void> walk_files(const std::filesystem::path& root, const walk_filter& filter,
                        walk_counts& counts, const file_sink& sink);

}  // namespace millrace
