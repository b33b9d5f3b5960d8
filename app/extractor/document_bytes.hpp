// The bytes of the document at hand: small files are read into one buffer that is used again and
// again, large ones are mapped. One document at a time.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/core/error.hpp"
#include "runtime/core/unique_fd.hpp"

namespace millrace::extraction {

class document_bytes {
 public:
  document_bytes() = default;
  ~document_bytes() { unload(); }
  document_bytes(const document_bytes&) = delete;
  document_bytes& operator=(const document_bytes&) = delete;

  /// Up to `size` bytes; fewer where the file has become shorter. Valid until unload() or the next
  /// load(). source_unreadable where the disk fails.
  result<std::string_view> load(unique_fd file, std::uint64_t size);
  void unload();

 private:
  result<std::string_view> read(const unique_fd& file, std::size_t size);
  result<std::string_view> map(const unique_fd& file, std::size_t size);

  std::vector<char> buffer_;
  void* mapping_ = nullptr;
  std::size_t mapped_ = 0;  ///< Bytes.
};

}  // namespace millrace::extraction
