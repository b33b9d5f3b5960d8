#include "runtime/embedding/embedding_encoding.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace millrace {

namespace {

static_assert(std::endian::native == std::endian::little,
              "embeddings are copied as they lie in memory");
static_assert(sizeof(float) == 4);

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xFF;

constexpr auto digit_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_digit);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

}  // namespace

embedding_bytes encode_embedding(const std::vector<float>& vector) {
  embedding_bytes bytes(vector.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), vector.data(), bytes.size());
  return bytes;
}

std::optional<std::vector<float>> decode_embedding(std::string_view bytes) {
  if (bytes.size() % sizeof(float) != 0) return std::nullopt;
  std::vector<float> vector(bytes.size() / sizeof(float));
  std::memcpy(vector.data(), bytes.data(), bytes.size());
  return vector;
}

bool all_finite(std::string_view embedding) {
  for (std::size_t i = 0; i + sizeof(float) <= embedding.size(); i += sizeof(float)) {
    float value = 0;
    std::memcpy(&value, embedding.data() + i, sizeof(float));
    if (!std::isfinite(value)) return false;
  }
  return true;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 == 0)
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes(text.size() * 3 / 4, '\0');
  char* next = bytes.data();
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const auto value = digit_values[static_cast<std::uint8_t>(c)];
    if (value == no_digit) return std::nullopt;
    group = group << 6 | value;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    *next++ = static_cast<char>(group >> bits & 0xFFU);
  }
  return bytes;
}

std::string encode_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '=');
  char* next = text.data();
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto at = [&](std::size_t n) {
      return n < bytes.size() ? static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[n]))
                              : 0U;
    };
    const auto group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    next[0] = alphabet[group >> 18];
    next[1] = alphabet[group >> 12 & 63U];
    if (i + 1 < bytes.size()) next[2] = alphabet[group >> 6 & 63U];
    if (i + 2 < bytes.size()) next[3] = alphabet[group & 63U];
    next += 4;
  }
  return text;
}

}  // namespace millrace
