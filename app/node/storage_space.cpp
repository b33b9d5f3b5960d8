#include "app/node/storage_space.hpp"

#include <sys/statvfs.h>

namespace millrace {

std::optional<std::string> storage_problem(const std::filesystem::path& directory,
                                           byte_size min_free) {
  struct statvfs disk {};
  if (directory.empty() || statvfs(directory.c_str(), &disk) != 0) return std::nullopt;
  const auto free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (free >= min_free.bytes) return std::nullopt;
  return "only " + std::to_string(free >> 20) + " MiB are free at " + directory.native() +
         " (storage.min_free is " + std::to_string(min_free.bytes >> 20) +
         " MiB); free some space and work continues";
}

}  // namespace millrace
