#include "runtime/sources/upload_store.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

#include "runtime/core/blocking.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/core/system_error.hpp"

namespace millrace {

namespace fs = std::filesystem;

namespace {

/// A node's name does not begin like this.
constexpr auto shared_part = "_shared";
/// Nor does a database's id.
constexpr auto incoming_part = "_incoming";
constexpr std::size_t max_part = 255;  // NAME_MAX of Linux
/// A sweep in another process may take away a folder that has just been made.
constexpr int keep_tries = 3;

tl::unexpected<error> no_name(std::string_view why) {
  return fail(ec::invalid_argument, "the name of an uploaded file " + std::string{why} +
                                        "; send a relative path such as handbook/safety.pdf");
}

/// True where `path` is the folder or below it; neither has links or ends with a slash.
bool lies_in(const fs::path& path, const fs::path& folder) {
  return folder == "/" || path == folder || path.native().starts_with(folder.native() + "/");
}

/// Makes a folder and those above it, below `root`, which exists.
result<void> make_folders(const fs::path& root, const fs::path& below) {
  auto folder = root;
  for (const auto& part : below) {
    const auto above = folder;
    folder /= part;
    if (::mkdir(folder.c_str(), 0700) == 0) {
      if (auto synced = sync_folder(above); !synced) return synced;
      continue;
    }
    if (errno == EEXIST && fs::is_directory(fs::symlink_status(folder))) continue;
    if (errno == EEXIST || errno == ENOTDIR)
      return fail(ec::invalid_argument,
                  folder.native() + " is a file; no file can be stored below it");
    const auto reason = errno;
    const auto why = folder.native() + ": " + std::generic_category().message(reason);
    if (is_exhaustion(reason)) return tl::unexpected<error>(system_error(reason, folder.native()));
    if (reason == ENOSPC || reason == EDQUOT) return fail(ec::disk_full, why);
    if (reason == ENOENT) return fail(ec::path_missing, why);
    return fail(ec::permission_denied, why + "; let the node's user write there");
  }
  return {};
}

}  // namespace

result<void> check_upload_name(std::string_view name) {
  if (name.empty()) return no_name("is empty");
  if (name.size() > max_upload_name)
    return no_name("has more than " + std::to_string(max_upload_name) + " bytes");
  if (name.find('\0') != std::string_view::npos) return no_name("has a zero byte in it");
  for (std::size_t at = 0; at <= name.size();) {
    const auto end = std::min(name.find('/', at), name.size());
    const auto part = name.substr(at, end - at);
    if (part.empty()) return no_name("begins or ends with a slash, or has two in a row");
    if (part == "." || part == "..") return no_name("has `.` or `..` as a part");
    if (part.size() > max_part)
      return no_name("has a part of more than " + std::to_string(max_part) + " bytes");
    at = end + 1;
  }
  return {};
}

result<std::shared_ptr<upload_store>> upload_store::open(const fs::path& folder,
                                                         const std::string& database,
                                                         const std::string& node) {
  assert_may_block("upload_store::open");
  const auto cannot = [&](const std::string& why) {
    return fail(ec::invalid_config, "uploaded files cannot be kept in " + folder.native() + ": " +
                                        why +
                                        "; set sources.uploads to a folder that the node's user "
                                        "may write");
  };
  std::error_code problem;
  if (!folder.is_absolute()) return cannot("the path is not absolute");
  const auto made = fs::create_directories(folder, problem);
  if (problem) return cannot(problem.message());
  if (made) fs::permissions(folder, fs::perms::owner_all, problem);
  if (problem) return cannot(problem.message());
  const auto root = fs::canonical(folder, problem);
  if (problem) return cannot(problem.message());
  const auto part = fs::path{database} / (node.empty() ? shared_part : node);
  for (const auto& below : {part, fs::path{incoming_part}})
    if (auto there = make_folders(root, below); !there) return cannot(there.error().message);
  return std::shared_ptr<upload_store>{new upload_store{root, root / part, root / incoming_part}};
}

fs::path upload_store::folder_of(std::int64_t dataset) const {
  return part_ / std::to_string(dataset);
}

fs::path upload_store::path_of(std::int64_t dataset, std::string_view name) const {
  return folder_of(dataset) / std::string{name};
}

bool upload_store::has(const fs::path& path) const {
  return lies_in(path, root_);
}

bool upload_store::is_below(const fs::path& path) const {
  return lies_in(root_, path);
}

result<fs::path> upload_store::keep(received_file& file, std::int64_t dataset,
                                    std::string_view name) {
  assert_may_block("upload_store::keep");
  if (auto fits = check_upload_name(name); !fits) return tl::unexpected<error>(fits.error());
  if (auto synced = file.sync(); !synced) return tl::unexpected<error>(synced.error());
  const auto relative = fs::path{std::to_string(dataset)} / std::string{name};
  const auto target = part_ / relative;
  const std::lock_guard lock{mutex_};
  result<void> kept;
  for (int i = 0; i < keep_tries; ++i) {
    kept = make_folders(part_, relative.parent_path());
    if (kept) kept = file.move_to(target);
    if (kept) return target;
    if (kept.error().code != ec::path_missing) break;
  }
  return tl::unexpected<error>(kept.error());
}

bool upload_store::holds(std::int64_t dataset, std::string_view name, std::uint64_t size,
                         std::string_view sha256) const {
  assert_may_block("upload_store::holds");
  if (!check_upload_name(name)) return false;
  const auto path = path_of(dataset, name);
  std::error_code problem;
  if (!fs::is_regular_file(fs::symlink_status(path, problem))) return false;
  if (fs::file_size(path, problem) != size || problem) return false;
  return sha256_file(path.native()) == std::string{sha256};
}

result<void> upload_store::renew(std::int64_t dataset, std::string_view name) {
  assert_may_block("upload_store::renew");
  const auto path = path_of(dataset, name);
  const std::lock_guard lock{mutex_};
  std::error_code problem;
  fs::last_write_time(path, file_time::clock::now(), problem);
  if (problem) return fail(ec::path_missing, path.native() + ": " + problem.message());
  return {};
}

std::vector<std::int64_t> upload_store::datasets() const {
  std::vector<std::int64_t> ids;
  std::error_code problem;
  for (auto it = fs::directory_iterator{part_, problem}; !problem && it != fs::directory_iterator{};
       it.increment(problem)) {
    const auto name = it->path().filename().native();
    std::int64_t id = 0;
    const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (failed == std::errc{} && end == name.data() + name.size() && id > 0) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

bool upload_store::remove_older(const fs::path& file, file_time before) {
  assert_may_block("upload_store::remove_older");
  const std::lock_guard lock{mutex_};
  std::error_code problem;
  const auto changed = fs::last_write_time(file, problem);
  return !problem && changed < before && ::unlink(file.c_str()) == 0;
}

void upload_store::remove_empty(const fs::path& folder) {
  const std::lock_guard lock{mutex_};
  ::rmdir(folder.c_str());
}

}  // namespace millrace
