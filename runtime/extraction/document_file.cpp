#include "runtime/extraction/document_file.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>

#include "runtime/core/system_error.hpp"

namespace millrace::extraction {

namespace {

std::string_view kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "a directory";
    case S_IFIFO:
      return "a named pipe";
    case S_IFSOCK:
      return "a socket";
    case S_IFCHR:
    case S_IFBLK:
      return "a device";
    default:
      return "not a file";
  }
}

tl::unexpected<error> cannot_open(const std::string& path, int reason) {
  const auto why = path + ": " + std::generic_category().message(reason);
  switch (reason) {
    case ENOENT:
    case ENOTDIR:
      return fail(ec::source_missing, why);
    case EACCES:
    case EPERM:
      return fail(ec::source_unreadable, why + "; let the node's user read it");
    default:
      return tl::unexpected<error>(system_error(reason, path, ec::source_unreadable));
  }
}

file_version version_in(const struct stat& status) {
  return {
      static_cast<std::uint64_t>(status.st_size),
      static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec};
}

}  // namespace

result<document_file> open_document(const std::string& path) {
  if (path.find('\0') != std::string::npos)
    return fail(ec::source_missing, "no file has a name with a zero byte in it");
  // O_NONBLOCK: opening a named pipe without a writer would wait for one.
  document_file file{unique_fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)}};
  if (!file.fd) {
    if (errno == ENXIO)
      return fail(ec::source_unreadable, path + " is a socket or a device, not a file");
    return cannot_open(path, errno);
  }
  struct stat status {};
  if (::fstat(file.fd.get(), &status) != 0) return cannot_open(path, errno);
  if (!S_ISREG(status.st_mode))
    return fail(ec::source_unreadable, path + " is " + std::string{kind_of(status.st_mode)} +
                                           "; only regular files can be extracted");
  file.version = version_in(status);
  return file;
}

result<file_version> version_of(const unique_fd& fd) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0)
    return tl::unexpected<error>(system_error(errno, "a file", ec::source_unreadable));
  return version_in(status);
}

}  // namespace millrace::extraction
