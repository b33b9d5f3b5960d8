// Where files that came through the API lie on this node: FOLDER/DATABASE/PART/DATASET/NAME, where
// DATABASE tells those of one database from another's, which counts its datasets alike, and PART is
// the node's name, or "_shared" where all nodes see the same files; and FOLDER/_incoming, for what
// is on its way. Folders are 0700, files 0600: nobody but the node reads them.
//
// Any thread; blocks (disk). Keeping and removing exclude each other in this process, so that a
// sweep never removes what was just sent again; writing a file to the disk comes before that, so
// that nobody waits for another's large one.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/error.hpp"
#include "runtime/core/received_file.hpp"

namespace millrace {

/// invalid_argument where it is no name of an uploaded file: a relative path of 1 to
/// max_upload_name bytes without "." and "..", empty parts, parts over 255 bytes and NUL.
result<void> check_upload_name(std::string_view name);
inline constexpr std::size_t max_upload_name = 1024;

class upload_store {
 public:
  using file_time = std::filesystem::file_time_type;

  /// Makes the folders. `database`: its id; `node`: empty where all nodes see the same files.
  /// invalid_config where that cannot be.
  static result<std::shared_ptr<upload_store>> open(const std::filesystem::path& folder,
                                                    const std::string& database,
                                                    const std::string& node);

  /// Of what is on its way.
  const std::filesystem::path& incoming() const { return incoming_; }
  /// Of one dataset's files: an absolute path without links.
  std::filesystem::path folder_of(std::int64_t dataset) const;
  /// Where keep() would put a file of that name.
  std::filesystem::path path_of(std::int64_t dataset, std::string_view name) const;
  /// True for a path in the folder of uploads, whichever database's, node's and dataset's. This and
  /// the next: of a path without links.
  bool has(const std::filesystem::path& path) const;
  /// True where the folder of uploads is, or lies in, this one.
  bool is_below(const std::filesystem::path& path) const;

  /// Puts the file there under its name, over an earlier one; its path. invalid_argument for the
  /// name, disk_full, permission_denied.
  result<std::filesystem::path> keep(received_file& file, std::int64_t dataset,
                                     std::string_view name);

  /// True where the file of that name has this size and SHA-256 (64 hex digits, lower case). Reads
  /// it to its end where the size is right.
  bool holds(std::int64_t dataset, std::string_view name, std::uint64_t size,
             std::string_view sha256) const;
  /// Makes a file as young to the sweep as one that has just come; path_missing where it is gone.
  result<void> renew(std::int64_t dataset, std::string_view name);

  /// Datasets that have a folder here, in order.
  std::vector<std::int64_t> datasets() const;
  /// Removes a file that has not changed since `before`; true where it did.
  bool remove_older(const std::filesystem::path& file, file_time before);
  /// Removes a folder that is empty.
  void remove_empty(const std::filesystem::path& folder);

 private:
  upload_store(std::filesystem::path root, std::filesystem::path part,
               std::filesystem::path incoming)
      : root_{std::move(root)}, part_{std::move(part)}, incoming_{std::move(incoming)} {}

  std::filesystem::path root_;
  std::filesystem::path part_;
  std::filesystem::path incoming_;
  std::mutex mutex_;
};

}  // namespace millrace
