// Little-endian integers and length-prefixed strings, appended to a string and read back with every
// length checked. For protocol.cpp, which says what they mean, and for checkpoints.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::extraction::wire {

template <std::unsigned_integral Integer>
void append(std::string& out, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i)
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xFFU));
}

inline void append(std::string& out, std::string_view text) {
  append(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

/// Reads values off the front of `bytes`. After the first that does not fit, ok() is false and all
/// others are empty, so that a decoder may read a whole record and ask once.
class reader {
 public:
  explicit reader(std::string_view bytes) noexcept : left_{bytes} {}

  template <std::unsigned_integral Integer>
  Integer integer() {
    if (left_.size() < sizeof(Integer)) return give_up(), Integer{};
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i)
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(left_[i])) << (8 * i);
    left_.remove_prefix(sizeof(Integer));
    return static_cast<Integer>(value);
  }

  /// A string of at most `limit` bytes, as a view of the bytes.
  std::string_view text(std::size_t limit) {
    const auto length = integer<std::uint32_t>();
    if (length > limit || length > left_.size()) return give_up(), std::string_view{};
    const auto taken = left_.substr(0, length);
    left_.remove_prefix(length);
    return taken;
  }

  bool ok() const noexcept { return ok_; }
  /// All well, and nothing left over.
  bool done() const noexcept { return ok_ && left_.empty(); }

 private:
  void give_up() noexcept {
    ok_ = false;
    left_ = {};
  }

  std::string_view left_;
  bool ok_ = true;
};

}  // namespace millrace::extraction::wire
