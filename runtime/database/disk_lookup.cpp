#include "runtime/database/disk_lookup.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

#include <dirent.h>
#include <fcntl.h>

#include "runtime/core/unique_fd.hpp"

namespace millrace::postgres {

bool is_shortage(int error_number) {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM ||
         error_number == EAGAIN;
}

error shortage(const std::string& doing, int error_number) {
  const auto descriptors = error_number == EMFILE || error_number == ENFILE;
  return {ec::database_error,
          doing + ": " + std::strerror(error_number) +
              (descriptors ? "; raise the limit of open files (ulimit -n)"
                           : "; free some memory, or raise the limits of this process")};
}

result<std::optional<std::string>> read_if_there(const std::filesystem::path& file) {
  const auto descriptor = unique_fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!descriptor) {
    if (is_shortage(errno))
      return tl::unexpected(shortage(file.string() + " cannot be read", errno));
    return std::nullopt;
  }
  std::string text(max_small_file, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = ::read(descriptor.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && is_shortage(errno))
      return tl::unexpected(shortage(file.string() + " cannot be read", errno));
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

result<std::vector<std::string>> names_in(const std::filesystem::path& folder) {
  struct close_folder {
    void operator()(DIR* d) const { ::closedir(d); }
  };
  std::vector<std::string> names;
  const std::unique_ptr<DIR, close_folder> open{::opendir(folder.c_str())};
  if (!open) {
    if (is_shortage(errno))
      return tl::unexpected(shortage(folder.string() + " cannot be read", errno));
    return names;
  }
  while (const auto* entry = ::readdir(open.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

}  // namespace millrace::postgres
