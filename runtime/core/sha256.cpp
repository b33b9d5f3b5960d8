#include "runtime/core/sha256.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include <openssl/evp.h>

#include "runtime/core/blocking.hpp"
#include "runtime/core/system_error.hpp"

namespace millrace {

struct sha256::context {
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  ~context() { EVP_MD_CTX_free(digest); }
};

sha256::sha256() : context_{std::make_unique<context>()} {
  // Fetched once: looking an algorithm up costs more than hashing a kilobyte.
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_DigestInit_ex(context_->digest, algorithm, nullptr);
}

sha256::~sha256() = default;

void sha256::update(std::string_view bytes) {
  EVP_DigestUpdate(context_->digest, bytes.data(), bytes.size());
}

std::string sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context_->digest, raw.data(), &length);
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * length);
  for (unsigned i = 0; i < length; ++i) {
    out.push_back(digits[raw[i] >> 4]);
    out.push_back(digits[raw[i] & 15]);
  }
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

std::string bytes_of_hex(std::string_view hex) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(value(hex[i]) * 16 + value(hex[i + 1])));
  return bytes;
}

result<std::string> sha256_file(const std::string& path, const std::atomic<bool>* stop) {
  assert_may_block("sha256_file");
  std::FILE* file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) {
    const auto code = errno == ENOENT ? ec::source_missing : ec::source_unreadable;
    return tl::unexpected<error>(system_error(errno, path, code));
  }
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> closer{file, std::fclose};
  sha256 hash;
  std::vector<char> buffer(64 * 1024);
  while (const auto n = std::fread(buffer.data(), 1, buffer.size(), file)) {
    if (stop != nullptr && *stop)
      return fail(ec::cancelled, "the reading of " + path + " was stopped");
    hash.update({buffer.data(), n});
  }
  if (std::ferror(file) != 0)
    return tl::unexpected<error>(
        system_error(errno, path + ": cannot be read", ec::source_unreadable));
  return hash.hex();
}

}  // namespace millrace
