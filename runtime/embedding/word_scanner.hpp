// Reads a text as folded words, the way a search box does: letters and digits of any script, lower
// case, without accents. Characters of scripts that write without spaces (Chinese, Japanese kana)
// are words of their own.
//
// One scanner a text, one thread, no allocation. Bounded by the text; invalid UTF-8 separates
// words.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace {

class word_scanner {
 public:
  explicit word_scanner(std::string_view text) : rest_(text) {}
  /// The hash of the next folded word, the same on every machine. False at the end of the text.
  bool next(std::uint64_t& hash);

 private:
  std::string_view rest_;
};

/// The hash that next() gives for a word in its folded form, e.g. "mill"; for lists of words.
std::uint64_t word_hash(std::string_view folded_word);

/// Spreads a hash's bits over all 64 (the finaliser of MurmurHash3, public domain).
constexpr std::uint64_t mix_bits(std::uint64_t h) {
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdULL;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return h ^ (h >> 33);
}

}  // namespace millrace
