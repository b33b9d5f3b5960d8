#include "runtime/cluster/upload_sweep.hpp"

#include <algorithm>

#include "runtime/core/blocking.hpp"
#include "runtime/database/binary_rows.hpp"
#include "runtime/sources/file_uri.hpp"

namespace millrace {

namespace fs = std::filesystem;

namespace {

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
  auto datasets = store_->datasets();
  // Those behind the last one of the former run first.
  std::rotate(datasets.begin(), std::upper_bound(datasets.begin(), datasets.end(), last_dataset_),
              datasets.end());
  for (std::size_t first = 0; first < datasets.size(); first += batch) {
    const std::vector<std::int64_t> some(
        datasets.begin() + static_cast<std::ptrdiff_t>(first),
        datasets.begin() + static_cast<std::ptrdiff_t>(std::min(first + batch, datasets.size())));
    const auto without = gone(some);
    if (!without) return tl::unexpected<error>(without.error());
    for (const auto id : some) {
      if (stopped_ || looked_at_ >= max_files) return removed_;
      const bool is_gone = std::find(without->begin(), without->end(), id) != without->end();
      if (auto swept = sweep_dataset(id, is_gone); !swept)
        return tl::unexpected<error>(swept.error());
      last_dataset_ = id;
    }
  }
  return removed_;
}

result<std::vector<std::int64_t>> upload_sweep::gone(const std::vector<std::int64_t>& datasets) {
  using ids = std::vector<std::int64_t>;
  return pool_.transact("uploads", [&](pqxx::work& tx, pooled_connection&) -> result<ids> {
    ids found;
    for (const auto& row : tx.exec_params(gone_sql, int8_array_parameter(datasets)))
      found.push_back(row[0].as<std::int64_t>());
    return found;
  });
}

/// Files of a dataset that is gone go whatever their age: its id never comes again.
result<void> upload_sweep::sweep_dataset(std::int64_t dataset, bool is_gone) {
  const auto folder = store_->folder_of(dataset);
  const auto now = upload_store::file_time::clock::now();
  paths files;
  paths folders{folder};
  std::error_code problem;
  for (auto it = fs::recursive_directory_iterator{folder, problem};
       !problem && it != fs::recursive_directory_iterator{} && !stopped_; it.increment(problem)) {
    std::error_code unknown;
    if (it->is_directory(unknown) && !it->is_symlink(unknown)) folders.push_back(it->path());
    if (!is_file(*it)) continue;
    ++looked_at_;
    if (is_gone)
      remove(it->path(), upload_store::file_time::max());
    else if (it->last_write_time(unknown) < now - unnamed_age && !unknown)
      files.push_back(it->path());
    if (files.size() < batch) continue;
    if (auto swept = remove_unnamed(dataset, files); !swept) return swept;
    files.clear();
  }
  if (!files.empty())
    if (auto swept = remove_unnamed(dataset, files); !swept) return swept;
  for (auto f = folders.rbegin(); f != folders.rend(); ++f) store_->remove_empty(*f);
  return {};
}

result<void> upload_sweep::remove_unnamed(std::int64_t dataset, const paths& files) {
  std::vector<std::string> uris, node_uris;
  for (const auto& file : files) {
    uris.push_back(file_uri(file.native()));
    node_uris.push_back(file_uri(file.native(), node_));
  }
  const auto before = upload_store::file_time::clock::now() - unnamed_age;
  const auto unnamed = pool_.transact(
      "uploads", [&](pqxx::work& tx, pooled_connection&) -> result<std::vector<std::size_t>> {
        std::vector<std::size_t> numbers;
        for (const auto& row : tx.exec_params(unnamed_sql, dataset, text_array_parameter(uris),
                                              text_array_parameter(node_uris)))
          numbers.push_back(row[0].as<std::size_t>());
        return numbers;
      });
  if (!unnamed) return tl::unexpected<error>(unnamed.error());
  for (const auto number : *unnamed) remove(files.at(number - 1), before);
  return {};
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
