#include "app/extractor/document_bytes.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace::extraction {

namespace {

constexpr std::uint64_t map_from = 1 << 20;  // bytes; below, one read is cheaper than page faults

tl::unexpected<error> unreadable(int reason) {
  return fail(ec::source_unreadable,
              "the file cannot be read: " + std::generic_category().message(reason));
}

}  // namespace

result<std::string_view> document_bytes::load(unique_fd file, std::uint64_t size) {
  unload();
  return size < map_from ? read(file, size) : map(file, size);
}

void document_bytes::unload() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapped_);
  mapping_ = nullptr;
}

result<std::string_view> document_bytes::read(const unique_fd& file, std::size_t size) {
  if (buffer_.size() < size) buffer_.resize(std::max(size, 2 * buffer_.size()));
  std::size_t have = 0;
  while (have < size) {
    const auto got = ::read(file.get(), buffer_.data() + have, size - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  return std::string_view{buffer_.data(), have};
}

result<std::string_view> document_bytes::map(const unique_fd& file, std::size_t size) {
  struct stat now {};
  if (::fstat(file.get(), &now) != 0) return unreadable(errno);
  size = std::min(size, static_cast<std::size_t>(now.st_size));
  if (size == 0) return std::string_view{};
  void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapping == MAP_FAILED) return unreadable(errno);
  mapping_ = mapping;
  mapped_ = size;
  return std::string_view{static_cast<const char*>(mapping), size};
}

}  // namespace millrace::extraction
