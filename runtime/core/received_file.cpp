#include "runtime/core/received_file.hpp"

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "runtime/core/blocking.hpp"
#include "runtime/core/system_error.hpp"

namespace millrace {

namespace {

tl::unexpected<error> refused(const std::filesystem::path& path, int reason) {
  const auto why = path.native() + ": " + std::generic_category().message(reason);
  if (is_exhaustion(reason)) return tl::unexpected<error>(system_error(reason, path.native()));
  switch (reason) {
    case ENOSPC:
    case EDQUOT:
      return fail(ec::disk_full, why + "; free some space and send the file again");
    case ENOENT:
      return fail(ec::path_missing, why);
    case EISDIR:
    case ENOTEMPTY:
    case EEXIST:
      return fail(ec::invalid_argument, why + "; a folder has that name already");
    default:
      return fail(ec::permission_denied, why + "; let the node's user write there");
  }
}

/// disk_full where writing `bytes` would leave less than `min_free`.
result<void> check_space(const std::filesystem::path& folder, byte_size min_free,
                         std::uint64_t bytes) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return refused(folder, errno);
  const auto free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (free >= min_free.bytes && free - min_free.bytes >= bytes) return {};
  return fail(ec::disk_full, "only " + std::to_string(free >> 20) + " MiB are free at " +
                                 folder.native() + " (storage.min_free is " +
                                 std::to_string(min_free.bytes >> 20) +
                                 " MiB); free some space and send the file again");
}

tl::unexpected<error> too_large(byte_size limit) {
  return fail(ec::limit_exceeded, "the file has more than " + std::to_string(limit.bytes) +
                                      " bytes; raise api.max_upload of the node's config");
}

}  // namespace

result<std::shared_ptr<received_file>> received_file::create(const std::filesystem::path& folder,
                                                             receiving_limits limits,
                                                             std::uint64_t expected) {
  assert_may_block("received_file::create");
  if (expected > limits.max_size.bytes) return too_large(limits.max_size);
  if (auto space = check_space(folder, limits.min_free, expected); !space)
    return tl::unexpected<error>(space.error());
  auto name = (folder / "part-XXXXXX").native();
  unique_fd file{::mkostemp(name.data(), O_CLOEXEC)};
  if (!file) return refused(folder, errno);
  return std::shared_ptr<received_file>{new received_file{name, std::move(file), limits}};
}

received_file::~received_file() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

result<void> received_file::write(std::string_view bytes) {
  assert_may_block("received_file::write");
  if (bytes.size() > limits_.max_size.bytes - size_) return too_large(limits_.max_size);
  unchecked_ += bytes.size();
  if (unchecked_ >= space_check_interval.bytes) {
    unchecked_ = 0;
    if (auto space = check_space(path_.parent_path(), limits_.min_free, bytes.size()); !space)
      return space;
  }
  size_ += bytes.size();
  synced_ = false;
  while (!bytes.empty()) {
    const auto n = ::write(file_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refused(path_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

result<void> received_file::sync() {
  assert_may_block("received_file::sync");
  if (synced_) return {};
  if (::fsync(file_.get()) != 0) return refused(path_, errno);
  synced_ = true;
  return {};
}

result<void> received_file::move_to(const std::filesystem::path& target) {
  assert_may_block("received_file::move_to");
  if (::rename(path_.c_str(), target.c_str()) != 0) return refused(target, errno);
  path_.clear();
  return sync_folder(target.parent_path());
}

result<void> sync_folder(const std::filesystem::path& folder) {
  const unique_fd open{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!open || ::fsync(open.get()) != 0) return refused(folder, errno);
  return {};
}

}  // namespace millrace
