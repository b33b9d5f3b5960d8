// A file that is being received: it has a name in a folder for what arrives, and is removed with
// the object unless it was moved to where it stays.
//
// One thread at a time; writing, moving and the destructor touch the disk and may block. Bounded by
// the limits that it is made with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/core/unique_fd.hpp"

namespace millrace {

struct receiving_limits {
  byte_size max_size = 1_GiB;
  byte_size min_free{0};  ///< Of the folder's disk, which what is received leaves alone.
};

class received_file {
 public:
  /// How much may be written before the free space is looked at again.
  static constexpr byte_size space_check_interval = 16_MiB;

  /// An empty file that its user alone may read (0600), in a folder that exists. `expected`: bytes
  /// that will come, where that is known. disk_full, limit_exceeded, permission_denied.
  static result<std::shared_ptr<received_file>> create(const std::filesystem::path& folder,
                                                       receiving_limits limits,
                                                       std::uint64_t expected = 0);
  ~received_file();
  received_file(const received_file&) = delete;
  received_file& operator=(const received_file&) = delete;

  /// Appends. disk_full, limit_exceeded, or permission_denied for any other refusal of the disk.
  result<void> write(std::string_view bytes);
  std::uint64_t size() const { return size_; }
  byte_size max_size() const { return limits_.max_size; }
  const std::filesystem::path& path() const { return path_; }

  /// Afterwards what was written survives a crash of the machine. May take as long as writing all
  /// of it does. disk_full, permission_denied.
  result<void> sync();
  /// Moves it to `target`, on the same disk, over what is there; afterwards its name there survives
  /// a crash too. Call sync() first. disk_full, path_missing where the folder is gone,
  /// invalid_argument where `target` is a folder, permission_denied.
  result<void> move_to(const std::filesystem::path& target);

 private:
  received_file(std::filesystem::path path, unique_fd file, receiving_limits limits)
      : path_{std::move(path)}, file_{std::move(file)}, limits_{limits} {}

  std::filesystem::path path_;  ///< Empty once it was moved.
  unique_fd file_;
  receiving_limits limits_;
  std::uint64_t size_ = 0;
  std::uint64_t unchecked_ = 0;  ///< Written since the free space was looked at.
  bool synced_ = false;
};

/// Makes the names in a folder survive a crash of the machine.
result<void> sync_folder(const std::filesystem::path& folder);

}  // namespace millrace
