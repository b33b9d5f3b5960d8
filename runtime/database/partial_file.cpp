#include "runtime/database/partial_file.hpp"

#include <cerrno>
#include <optional>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/core/system_error.hpp"

namespace millrace {

namespace {

namespace fs = std::filesystem;

/// Another writer may remove or rename FILE.partial while it is opened here.
constexpr int max_opens = 10;
// flock() itself can only wait for ever.
constexpr std::chrono::milliseconds poll_interval{20};

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path{"."};
}

fs::path partial_name(const fs::path& file) {
  return file.string() + ".partial";
}

tl::unexpected<error> taken(const fs::path& file) {
  return fail(ec::invalid_argument,
              file.string() + " exists and is not overwritten; remove it or name another file");
}

/// What an errno of a write to `file` means for whoever named it.
error unwritable(const fs::path& file, int problem) {
  const auto folder = folder_of(file).string();
  const auto say = [&](ec code, const std::string& why) {
    return error{code, file.string() + " cannot be written: " + why};
  };
  switch (problem) {
    case ENOENT:
      return say(ec::path_missing, "the folder " + folder + " does not exist; make it first");
    case ENOTDIR:
      return say(ec::invalid_argument, folder + " is not a folder; name a file in one");
    case EACCES:
    case EPERM:
      return say(ec::permission_denied, "this user may not write to " + folder +
                                            "; name a file in a folder that allows it");
    case EROFS:
      return say(ec::permission_denied,
                 folder + " is on a read-only file system; name a file elsewhere");
    case ENAMETOOLONG:
      return say(ec::invalid_argument,
                 "its name, with .partial, is too long; choose a shorter one");
    case EISDIR:
    case ELOOP:
      return say(ec::invalid_argument, partial_name(file).string() +
                                           " is a folder or a link; remove it or name another "
                                           "file");
    case EFBIG:
      return say(ec::limit_exceeded,
                 "it is larger than a file may be there; see `ulimit -f` and the file system's "
                 "limit, or name a file elsewhere");
    case EEXIST:
      return taken(file).value();
    default:
      break;
  }
  auto e = system_error(problem, file.string() + " cannot be written", ec::invalid_argument);
  if (e.code == ec::invalid_argument) e.message += "; name a file on another disk";
  return e;
}

/// The name no longer leads to the file that is open, because another writer removed or renamed it.
bool was_moved(int descriptor, const fs::path& path) {
  struct stat held {};
  struct stat there {};
  return ::fstat(descriptor, &held) != 0 || ::lstat(path.c_str(), &there) != 0 ||
         held.st_dev != there.st_dev || held.st_ino != there.st_ino;
}

bool was_left_by_a_writer(int descriptor, std::string_view magic) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  std::string begin(magic.size(), '\0');
  const auto got = ::pread(descriptor, begin.data(), begin.size(), 0);
  if (got < 0) return false;
  begin.resize(static_cast<std::size_t>(got));
  return magic.starts_with(begin);
}

/// FILE.partial, locked; none if another writer has moved it meanwhile.
result<std::optional<unique_fd>> open_locked(const fs::path& file) {
  const auto path = partial_name(file);
  // O_NONBLOCK: a FIFO of this name is refused, not waited for.
  unique_fd opened{
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600)};
  if (!opened) return tl::unexpected(unwritable(file, errno));
  const auto end = std::chrono::steady_clock::now() + partial_file_patience;
  while (::flock(opened.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return tl::unexpected(unwritable(file, errno));
    if (std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(poll_interval);
      continue;
    }
    return fail(ec::invalid_argument, "another process is writing " + path.string() +
                                          "; wait for it or name another file");
  }
  if (was_moved(opened.get(), path)) return std::nullopt;
  return std::optional<unique_fd>{std::move(opened)};
}

/// Some network file systems cannot rename without replacing; they can link.
bool rename_without_replacing(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  return ::link(from.c_str(), to.c_str()) == 0 && ::unlink(from.c_str()) == 0;
}

}  // namespace

result<void> check_new_file(const fs::path& file) {
  if (file.empty())
    return fail(ec::invalid_argument,
                "the name of the file to write is empty; name one, such as millrace.dump");
  struct stat status {};
  if (!file.has_filename() || (::stat(file.c_str(), &status) == 0 && S_ISDIR(status.st_mode)))
    return fail(ec::invalid_argument, file.string() +
                                          " is the name of a folder; name a file, such as " +
                                          (file / "millrace.dump").string());
  if (::lstat(file.c_str(), &status) == 0) return taken(file);
  if (errno != ENOENT) return tl::unexpected(unwritable(file, errno));
  if (::stat(folder_of(file).c_str(), &status) != 0) return tl::unexpected(unwritable(file, errno));
  return {};
}

result<partial_file> partial_file::make(const fs::path& file, std::string_view magic) {
  for (int i = 0; i < max_opens; ++i) {
    if (auto is_new = check_new_file(file); !is_new) return tl::unexpected(is_new.error());
    auto opened = open_locked(file);
    if (!opened) return tl::unexpected(opened.error());
    if (!*opened) continue;
    if (!was_left_by_a_writer((*opened)->get(), magic))
      return fail(ec::invalid_argument, partial_name(file).string() +
                                            " is not what an interrupted backup leaves and is not "
                                            "overwritten; remove it or name another file");
    partial_file made{file, std::move(**opened)};
    if (::ftruncate(made.descriptor(), 0) != 0 || ::fchmod(made.descriptor(), 0600) != 0)
      return tl::unexpected(unwritable(file, errno));
    return made;
  }
  return fail(ec::invalid_argument, "other processes keep writing " + partial_name(file).string() +
                                        "; wait for them or name another file");
}

partial_file::partial_file(const fs::path& file, unique_fd descriptor)
    : path_{partial_name(file)}, file_{file}, descriptor_{std::move(descriptor)} {}

partial_file::partial_file(partial_file&& other) noexcept
    : path_{std::move(other.path_)},
      file_{std::move(other.file_)},
      descriptor_{std::move(other.descriptor_)},
      ours_{std::exchange(other.ours_, false)} {}

partial_file::~partial_file() {
  if (ours_) ::unlink(path_.c_str());
}

result<std::uint64_t> partial_file::keep() {
  struct stat status {};
  if (::fsync(descriptor()) != 0 || ::fstat(descriptor(), &status) != 0 ||
      !rename_without_replacing(path_, file_))
    return tl::unexpected(unwritable(file_, errno));
  ours_ = false;
  if (const auto folder = unique_fd{::open(folder_of(file_).c_str(), O_DIRECTORY | O_CLOEXEC)})
    ::fsync(folder.get());
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace millrace
