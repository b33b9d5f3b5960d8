#include "runtime/core/scratch_file.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

namespace millrace {

scratch_file::scratch_file() {
  std::error_code no_folder;
  const auto folder = std::filesystem::temp_directory_path(no_folder);
  open_error_ = no_folder.value();
  if (no_folder) return;
  auto name = (folder / "millrace-scratch-XXXXXX").native();
  fd_ = ::mkostemp(name.data(), O_CLOEXEC);
  open_error_ = fd_ < 0 ? errno : 0;
  if (fd_ >= 0) ::unlink(name.c_str());
}

scratch_file::~scratch_file() {
  if (fd_ >= 0) ::close(fd_);
}

bool scratch_file::write(std::uint64_t offset, std::string_view bytes) const {
  if (fd_ < 0) {
    errno = open_error_;
    return false;
  }
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto n =
        ::pwrite(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

std::string scratch_file::read(std::uint64_t offset, std::size_t size) const {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const auto n =
        ::pread(fd_, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      throw std::system_error{n < 0 ? errno : EIO, std::generic_category(),
                              "reading the scratch file of a document"};
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

std::string scratch_file::path() const {
  return "/proc/self/fd/" + std::to_string(fd_);
}

}  // namespace millrace
