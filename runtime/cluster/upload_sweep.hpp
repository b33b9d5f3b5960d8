// Removes uploaded files that nobody needs any more: those of datasets that were deleted, those
// that no document names (pruned, or sent and never submitted) a day after the dataset's last file
// came, and what was left half received. Every node does this for its own uploads.
//
// One thread; blocks (disk, SQL). A run looks at datasets that are gone first, then at the others.
// It asks the database once a batch of files, holding the dataset against submissions while the
// batch is removed, and begins no further dataset once it has looked at max_files of either kind;
// the next run goes on behind the last dataset.
// stop() may be called from any thread: a run ends after its batch.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/sources/upload_store.hpp"

namespace millrace {

class upload_sweep {
 public:
  /// How long a dataset's files may lie there without documents that name them after the last came.
  static constexpr std::chrono::hours unnamed_age{24};
  static constexpr std::size_t batch = 1'000;
  static constexpr std::size_t max_files = 100'000;

  /// `node`: this node's name, under which documents may name its files.
  upload_sweep(connection_pool& pool, std::shared_ptr<upload_store> store, std::string node)
      : pool_{pool}, store_{std::move(store)}, node_{std::move(node)} {}

  /// The number of files removed.
  result<std::int64_t> run();
  void stop() { stopped_ = true; }

 private:
  using paths = std::vector<std::filesystem::path>;

  result<std::vector<std::int64_t>> gone(const std::vector<std::int64_t>& datasets);
  result<void> sweep_live(std::vector<std::int64_t> datasets);
  result<void> sweep_dataset(std::int64_t dataset);
  template <class Take>
  paths walk(const std::filesystem::path& folder, Take take);
  void remove_all(std::int64_t dataset);
  void remove_empty(const paths& folders);
  result<void> remove_unnamed(std::int64_t dataset, const paths& files);
  void sweep_incoming();
  void remove(const std::filesystem::path& file, upload_store::file_time before);

  connection_pool& pool_;
  std::shared_ptr<upload_store> store_;
  std::string node_;
  std::int64_t last_dataset_ = 0;  ///< The next run begins behind it.
  std::size_t looked_at_ = 0;      ///< In this run, of this kind.
  std::int64_t removed_ = 0;       ///< In this run.
  std::atomic<bool> stopped_{false};
};

}  // namespace millrace
