#include "runtime/database/embedded/directory_handle.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include "runtime/core/system_error.hpp"

namespace millrace::postgres {

namespace {

namespace fs = std::filesystem;

constexpr int open_flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

fs::path path_of(const unique_fd& descriptor) {
  return "/proc/self/fd/" + std::to_string(descriptor.get());
}

std::pair<dev_t, ino_t> identity_of(const unique_fd& descriptor) {
  struct stat status {};
  ::fstat(descriptor.get(), &status);
  return {status.st_dev, status.st_ino};
}

}  // namespace

result<directory_handle> directory_handle::open(const fs::path& root) {
  auto descriptor = unique_fd{::open(root.c_str(), open_flags)};
  if (!descriptor)
    return tl::unexpected(system_error(
        errno, "the data directory " + root.string() + " cannot be opened", ec::data_directory));
  return directory_handle{std::move(descriptor)};
}

result<void> directory_handle::hold_cluster() {
  auto found = unique_fd{::openat(root_.get(), "postgres", open_flags | O_NOFOLLOW)};
  if (!found && is_exhaustion(errno))
    return tl::unexpected(system_error(errno, "the database's folder cannot be opened"));
  if (!cluster_) {
    cluster_ = std::move(found);
    return {};
  }
  if (found && identity_of(found) == identity_of(cluster_)) return {};
  return fail(ec::data_directory,
              "the database was removed, or replaced by another one; end this process and start it "
              "again");
}

bool directory_handle::is_at(const fs::path& path) const {
  struct stat there {};
  return ::stat(path.c_str(), &there) == 0 &&
         std::pair{there.st_dev, there.st_ino} == identity_of(root_);
}

std::optional<data_directory> directory_handle::lookup() const {
  struct stat cluster {};
  if (!cluster_ || ::fstat(cluster_.get(), &cluster) != 0) return std::nullopt;
  return data_directory{.root = path_of(root_),
                        .owner = {cluster.st_uid, cluster.st_gid, {}, {}},
                        .held_cluster = path_of(cluster_)};
}

}  // namespace millrace::postgres
