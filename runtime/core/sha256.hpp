// SHA-256 (FIPS 180-4) by OpenSSL: the identity of a document's bytes.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/core/error.hpp"

namespace millrace {

class sha256 {
 public:
  sha256();
  ~sha256();
  sha256(const sha256&) = delete;
  sha256& operator=(const sha256&) = delete;
  void update(std::string_view bytes);
  /// 64 lower-case hex digits; ends the computation.
  std::string hex();

 private:
  struct context;
  std::unique_ptr<context> context_;
};

std::string sha256_hex(std::string_view bytes);
/// The bytes that an even number of hex digits stands for; digits are taken as they are.
std::string bytes_of_hex(std::string_view hex);
/// Reads the file in pieces; source_missing or source_unreadable; cancelled when `stop` becomes
/// true. Blocks.
result<std::string> sha256_file(const std::string& path, const std::atomic<bool>* stop = nullptr);

}  // namespace millrace
