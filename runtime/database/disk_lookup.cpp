#include "runtime/database/disk_lookup.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

#include <dirent.h>
#include <fcntl.h>

#include "runtime/core/system_error.hpp"
#include "runtime/core/unique_fd.hpp"

namespace millrace::postgres {

result<std::optional<std::string>> read_if_there(const std::filesystem::path& file) {
  const auto descriptor = unique_fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!descriptor) {
    if (is_exhaustion(errno))
      return tl::unexpected(system_error(errno, file.string() + " cannot be read"));
    return std::nullopt;
  }
  std::string text(max_small_file, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = ::read(descriptor.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && is_exhaustion(errno))
      return tl::unexpected(system_error(errno, file.string() + " cannot be read"));
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
    if (is_exhaustion(errno))
      return tl::unexpected(system_error(errno, folder.string() + " cannot be read"));
    return names;
  }
  while (const auto* entry = ::readdir(open.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

}  // namespace millrace::postgres
