#include "app/api/submit_paths.hpp"

#include "runtime/cluster/node_registry.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/sources/file_uri.hpp"

namespace millrace {

namespace {

/// Asking whether to stop is a system call.
constexpr std::uint64_t files_between_looks = 256;

result<void> check_others_find_files(connection_pool& pool, const paths_order& order) {
  if (order.shared || !order.disk.empty()) return {};
  const auto other = distant_node(pool);
  if (!other) return tl::unexpected<error>(other.error());
  if (!*other) return {};
  return fail(
      ec::invalid_config,
      "node `" + **other +
          "` works on this database from another machine and would look for these files on "
          "its own disk; submit at a node with a link (--endpoint), or set sources.shared = "
          "true where all see the same files");
}

}  // namespace

result<paths_summary> submit_paths(connection_pool& pool, const paths_order& order) {
  if (auto found = check_others_find_files(pool, order); !found)
    return tl::unexpected<error>(found.error());
  auto session = submission::begin(pool, order.submit);
  if (!session) return tl::unexpected<error>(session.error());
  paths_summary summary;
  result<void> added;
  bool stopped = false;
  const auto take = [&](const found_file& file) {
    std::string hash;
    // An unreadable file is submitted all the same: it ends `failed` with the reason, where users
    // look for it.
    if ((*session)->needs_hashes()) hash = sha256_file(file.path).value_or("");
    if (summary.walked.files % files_between_looks == 0 && order.stop_requested()) {
      stopped = true;
      return false;
    }
    added = (*session)->add(file_uri(file.path, order.disk), file.size, hash);
    return added.has_value();
  };
  for (const auto& path : order.paths) {
    if (auto walked = walk_files(path, order.filter, summary.walked, take); !walked)
      return tl::unexpected<error>(walked.error());
    if (stopped) return fail(ec::cancelled, "stopped; nothing was submitted");
    if (!added) return tl::unexpected<error>(added.error());
  }
  if (order.submit.prune && summary.walked.unreadable_folders > 0)
    return fail(ec::source_unreadable,
                std::to_string(summary.walked.unreadable_folders) +
                    " folders could not be read, and pruning would remove the documents of their "
                    "files; let the node's user read them, or exclude them and do not prune");
  auto finished = (*session)->finish();
  if (!finished) return tl::unexpected<error>(finished.error());
  summary.submit = *finished;
  return summary;
}

}  // namespace millrace
