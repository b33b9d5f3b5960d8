// A node's uploaded files: where they are kept, and the sweep of those that nobody needs any more,
// at start and every 10 minutes.
//
// open() and the destructor block (disk; the destructor waits for a batch of the sweep).
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "config/settings.hpp"
#include "runtime/cluster/maintenance.hpp"
#include "runtime/cluster/upload_sweep.hpp"

namespace millrace {

class node_uploads {
 public:
  static constexpr std::chrono::minutes sweep_interval{10};

  /// In sources.uploads, else in `uploads` of the data directory; null where there is neither, or
  /// the latter cannot be used. invalid_config where sources.uploads cannot; the database's error.
  static result<std::unique_ptr<node_uploads>> open(const sources_settings& sources,
                                                    const std::filesystem::path& data_directory,
                                                    connection_pool& pool, const std::string& node);
  ~node_uploads() { sweep_.stop(); }
  node_uploads(const node_uploads&) = delete;
  node_uploads& operator=(const node_uploads&) = delete;

  const std::shared_ptr<upload_store>& store() const { return store_; }

 private:
  node_uploads(connection_pool& pool, std::shared_ptr<upload_store> store, const std::string& node);

  std::shared_ptr<upload_store> store_;
  upload_sweep sweep_;
  maintenance upkeep_;  ///< Last: its thread uses the others.
};

}  // namespace millrace
