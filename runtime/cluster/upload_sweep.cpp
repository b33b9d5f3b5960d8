#include "runtime/cluster/upload_sweep.hpp"

#include <algorithm>
#include <utility>

#include "runtime/core/blocking.hpp"
#include "runtime/database/binary_rows.hpp"
#include "runtime/sources/file_uri.hpp"

namespace millrace {

namespace fs = std::filesystem;

namespace {

// Whoever submits to a dataset holds it, and may be about to name the files.
constexpr auto lock_sql = "select from datasets where id = $1 for share skip locked";

constexpr auto gone_sql = R"sql(
select f.id from unnest($1::bigint[]) as f(id)
where not exists (select from datasets s where s.id = f.id))sql";

// Numbers of the files that no document names. A file has a URI with the node and one without: a
// node may be given a link later, or be without one.
constexpr auto unnamed_sql = R"sql(
select f.number
from unnest($2::text[], $3::text[]) with ordinality as f(uri, node_uri, number)
where not exists (select from documents d
                  where d.dataset_id = $1 and md5(d.uri) = md5(f.uri) and d.uri = f.uri)
  and not exists (select from documents d
                  where d.dataset_id = $1 and md5(d.uri) = md5(f.node_uri) and d.uri = f.node_uri))sql";

bool is_file(const fs::directory_entry& entry) {
  std::error_code problem;
  return entry.is_regular_file(problem) && !entry.is_symlink(problem);
}

}  // namespace

result<std::int64_t> upload_sweep::run() {
  assert_may_block("upload_sweep::run");
  looked_at_ = 0;
  removed_ = 0;
  sweep_incoming();
  const auto datasets = store_->datasets();
  std::vector<std::int64_t> live;
  for (std::size_t first = 0; first < datasets.size(); first += batch) {
    const std::vector<std::int64_t> some(
        datasets.begin() + static_cast<std::ptrdiff_t>(first),
        datasets.begin() + static_cast<std::ptrdiff_t>(std::min(first + batch, datasets.size())));
    const auto without = gone(some);
    if (!without) return tl::unexpected<error>(without.error());
    for (const auto id : some) {
      if (stopped_) return removed_;
      if (std::find(without->begin(), without->end(), id) == without->end())
        live.push_back(id);
      else if (looked_at_ < max_files)
        remove_all(id);
    }
  }
  if (auto swept = sweep_live(std::move(live)); !swept) return tl::unexpected<error>(swept.error());
  return removed_;
}

/// Those behind the last one of the former run first; one that fails is not begun with again.
result<void> upload_sweep::sweep_live(std::vector<std::int64_t> datasets) {
  looked_at_ = 0;
  std::rotate(datasets.begin(), std::upper_bound(datasets.begin(), datasets.end(), last_dataset_),
              datasets.end());
  for (const auto id : datasets) {
    if (stopped_ || looked_at_ >= max_files) return {};
    last_dataset_ = id;
    if (auto swept = sweep_dataset(id); !swept) return swept;
  }
  return {};
}

result<std::vector<std::int64_t>> upload_sweep::gone(const std::vector<std::int64_t>& datasets) {
  using ids = std::vector<std::int64_t>;
  return pool_.transact("uploads", [&](sql::work& tx, pooled_connection&) -> result<ids> {
    ids found;
    for (const auto& row : tx.exec(gone_sql, sql::params{int8_array_parameter(datasets)}))
      found.push_back(row[0].as<std::int64_t>());
    return found;
  });
}

/// Hands over each file below a folder until `take` wants no more; the folders, the upper ones
/// first.
template <class Take>
upload_sweep::paths upload_sweep::walk(const fs::path& folder, Take take) {
  paths folders{folder};
  std::error_code problem;
  for (auto it = fs::recursive_directory_iterator{folder, problem};
       !problem && it != fs::recursive_directory_iterator{} && !stopped_; it.increment(problem)) {
    std::error_code unknown;
    if (it->is_directory(unknown) && !it->is_symlink(unknown)) folders.push_back(it->path());
    if (!is_file(*it)) continue;
    ++looked_at_;
    if (!take(*it)) break;
  }
  return folders;
}

/// Files of a dataset that is gone go whatever their age: its id never comes again.
void upload_sweep::remove_all(std::int64_t dataset) {
  const auto folders = walk(store_->folder_of(dataset), [&](const fs::directory_entry& file) {
    remove(file.path(), upload_store::file_time::max());
    return true;
  });
  remove_empty(folders);
}

/// Nothing goes while files come: what came first may wait for long until all are submitted.
result<void> upload_sweep::sweep_dataset(std::int64_t dataset) {
  const auto before = upload_store::file_time::clock::now() - unnamed_age;
  const auto folder = store_->folder_of(dataset);
  bool in_use = false;
  walk(folder, [&](const fs::directory_entry& file) {
    std::error_code unknown;
    in_use = !(file.last_write_time(unknown) < before) || unknown;
    return !in_use;
  });
  if (in_use) return {};
  paths files;
  result<void> swept;
  const auto folders = walk(folder, [&](const fs::directory_entry& file) {
    files.push_back(file.path());
    if (files.size() < batch) return true;
    swept = remove_unnamed(dataset, std::exchange(files, {}));
    return swept.has_value();
  });
  if (swept && !files.empty()) swept = remove_unnamed(dataset, files);
  if (swept) remove_empty(folders);
  return swept;
}

void upload_sweep::remove_empty(const paths& folders) {
  for (auto f = folders.rbegin(); f != folders.rend(); ++f) store_->remove_empty(*f);
}

result<void> upload_sweep::remove_unnamed(std::int64_t dataset, const paths& files) {
  std::vector<std::string> uris, node_uris;
  for (const auto& file : files) {
    uris.push_back(file_uri(file.native()));
    node_uris.push_back(file_uri(file.native(), node_));
  }
  const auto before = upload_store::file_time::clock::now() - unnamed_age;
  return pool_.transact("uploads", [&](sql::work& tx, pooled_connection&) -> result<void> {
    if (tx.exec(lock_sql, sql::params{dataset}).empty()) return {};
    for (const auto& row : tx.exec(unnamed_sql, sql::params{dataset, text_array_parameter(uris),
                                                            text_array_parameter(node_uris)}))
      remove(files.at(row[0].as<std::size_t>() - 1), before);
    return {};
  });
}

/// What a process that was killed had not received to its end.
void upload_sweep::sweep_incoming() {
  const auto before = upload_store::file_time::clock::now() - unnamed_age;
  std::error_code problem;
  for (auto it = fs::directory_iterator{store_->incoming(), problem};
       !problem && it != fs::directory_iterator{}; it.increment(problem))
    if (is_file(*it)) remove(it->path(), before);
}

void upload_sweep::remove(const fs::path& file, upload_store::file_time before) {
  removed_ += store_->remove_older(file, before);
}

}  // namespace millrace
