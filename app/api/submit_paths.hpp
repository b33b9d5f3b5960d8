// Submits files and folders of this machine as a dataset: walks, hashes what the dataset may know
// already, and hands over to runtime/datasets/submit.hpp. Blocks.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "runtime/datasets/submit.hpp"
#include "runtime/sources/file_walk.hpp"

namespace millrace {

struct paths_order {
  submit_order submit;
  std::vector<std::filesystem::path> paths;  ///< Files and folders.
  std::string disk = {};  ///< Name of this node, where other nodes do not see its files.
  bool shared = false;    ///< sources.shared: all nodes see the same files.
  walk_filter filter;
  /// Asked now and then while files are found; true ends the submission with ec::cancelled and no
  /// trace.
  std::function<bool()> stop_requested = [] { return false; };
};

struct paths_summary {
  submit_summary submit;
  walk_counts walked;
};

/// path_missing, insufficient_credits, dataset_conflict, …: then nothing was submitted;
/// source_unreadable where folders could not be read and pruning would remove their documents.
/// invalid_config where nodes of other machines would look for the files on their own disks.
result<paths_summary> submit_paths(connection_pool& pool, const paths_order& order);

}  // namespace millrace
