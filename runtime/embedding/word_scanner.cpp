#include "runtime/embedding/word_scanner.hpp"

#include <array>
#include <cstddef>

namespace millrace {

namespace {

// FNV-1a, 64 bits, over folded characters (RFC 9923 gives the constants).
constexpr std::uint64_t fnv_offset = 0xcbf29ce484222325ULL;
constexpr std::uint64_t fnv_prime = 0x100000001b3ULL;

constexpr char32_t separator = 0;  ///< What folds to no letter or digit.
constexpr char32_t ignored = 1;    ///< What is dropped from inside a word: accents, soft hyphens.

/// Base letters of U+00C0 to U+017F in order; '-' where the character has none and stays, '.' where
/// it is no letter.
constexpr std::u32string_view latin_base =
    U"aaaaaa-ceeeeiiii-nooooo.ouuuuy--"                                     // U+00C0: À to ß
    U"aaaaaa-ceeeeiiii-nooooo.ouuuuy-y"                                     // U+00E0: à to ÿ
    U"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii--jjkk-llllllllll"  // U+0100: Ā to ł
    U"nnnnnnn--oooooo--rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";       // U+0143: Ń to ſ
static_assert(latin_base.size() == 0x180 - 0xC0);

constexpr auto ascii_fold = [] {
  std::array<char, 128> fold{};
  for (char c = '0'; c <= '9'; ++c) fold[static_cast<std::size_t>(c)] = c;
  for (char c = 'a'; c <= 'z'; ++c) fold[static_cast<std::size_t>(c)] = c;
  for (char c = 'A'; c <= 'Z'; ++c)
    fold[static_cast<std::size_t>(c)] = static_cast<char>(c - 'A' + 'a');
  return fold;
}();

char32_t fold_latin(char32_t c) {
  const auto base = latin_base[c - 0xC0];
  if (base == U'.') return separator;
  if (base != U'-') return base;
  if (c == 0xC6 || c == 0xD0 || c == 0xDE) return c + 0x20;  // Æ Ð Þ
  if (c == 0x132 || c == 0x14A || c == 0x152) return c + 1;  // Ĳ Ŋ Œ
  return c;
}

char32_t fold_greek(char32_t c) {
  switch (c) {
    case 0x37E:
    case 0x387:
      return separator;  // Greek question mark, ano teleia
    case 0x386:
    case 0x3AC:
      return 0x3B1;  // ά → α
    case 0x388:
    case 0x3AD:
      return 0x3B5;  // έ → ε
    case 0x389:
    case 0x3AE:
      return 0x3B7;  // ή → η
    case 0x38A:
    case 0x3AF:
    case 0x390:
    case 0x3AA:
    case 0x3CA:
      return 0x3B9;  // ί ΐ ϊ → ι
    case 0x38C:
    case 0x3CC:
      return 0x3BF;  // ό → ο
    case 0x38E:
    case 0x3CD:
    case 0x3B0:
    case 0x3AB:
    case 0x3CB:
      return 0x3C5;  // ύ ΰ ϋ → υ
    case 0x38F:
    case 0x3CE:
      return 0x3C9;  // ώ → ω
    case 0x3C2:
      return 0x3C3;  // ς → σ
    default:
      return c >= 0x391 && c <= 0x3A9 ? c + 0x20 : c;
  }
}

char32_t fold_cyrillic(char32_t c) {
  if (c == 0x401 || c == 0x451) return 0x435;  // Ё ё → е
  if (c >= 0x410 && c <= 0x42F) return c + 0x20;
  if (c <= 0x40F) return c + 0x50;
  if (c >= 0x483 && c <= 0x489) return ignored;  // combining marks and titla
  const bool pairs = (c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) || c >= 0x4D0;
  return pairs && c % 2 == 0 ? c + 1 : c;
}

/// The letter or digit that stands for `c` in a folded word, `ignored` or `separator`.
char32_t fold(char32_t c) {
  if (c < 0x80) return static_cast<unsigned char>(ascii_fold[c]);
  if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA ? c : c == 0xAD ? ignored : separator;
  if (c < 0x180) return fold_latin(c);
  if (c >= 0x300 && c <= 0x36F) return ignored;
  if (c >= 0x370 && c <= 0x3FF) return fold_greek(c);
  if (c >= 0x400 && c <= 0x52F) return fold_cyrillic(c);
  if (c >= 0x1E00 && c <= 0x1EFF) return c % 2 == 0 ? c + 1 : c;
  if (c >= 0x200B && c <= 0x200D) return ignored;    // zero-width space and joiners
  if (c >= 0x2000 && c <= 0x2BFF) return separator;  // punctuation, symbols, arrows, boxes
  if (c == 0x3005 || c == 0x3007) return c;          // 々 〇
  if (c >= 0x3000 && c <= 0x303F) return separator;  // CJK punctuation
  if (c == 0x30FB || (c >= 0xE000 && c <= 0xF8FF)) return separator;
  if (c >= 0xFE00 && c <= 0xFE0F) return ignored;  // variation selectors
  if (c >= 0xFE10 && c <= 0xFE6F) return separator;
  if (c >= 0xFF10 && c <= 0xFF5A) return fold(c - 0xFEE0);  // full-width ASCII
  if ((c >= 0xFF00 && c <= 0xFF65) || (c >= 0xFFE0 && c <= 0xFFFF)) return separator;
  if (c >= 0x1F000 && c <= 0x1FAFF) return separator;  // emoji
  return c;
}

/// Ideographs and kana: a character is a word.
bool stands_alone(char32_t c) {
  return (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x3FFFF) || c == 0x3005 || c == 0x3007;
}

struct character {
  char32_t value = separator;
  std::size_t bytes = 1;
};

/// The first character of `s`; a separator of one byte where it is not UTF-8.
character first_character(std::string_view s) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto lead = at(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || s.size() < bytes) return {};
  auto value = static_cast<char32_t>(lead & (0x7FU >> bytes));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((at(i) & 0xC0U) != 0x80U) return {};
    value = (value << 6) | (at(i) & 0x3FU);
  }
  return {value, bytes};
}

std::uint64_t add_letter(std::uint64_t hash, char32_t letter) {
  return (hash ^ letter) * fnv_prime;
}

}  // namespace

bool word_scanner::next(std::uint64_t& hash) {
  hash = fnv_offset;
  bool in_word = false;
  std::size_t at = 0;
  while (at < rest_.size()) {
    const auto lead = static_cast<unsigned char>(rest_[at]);
    const auto c = lead < 0x80 ? character{lead, 1} : first_character(rest_.substr(at));
    const char32_t letter =
        lead < 0x80 ? static_cast<unsigned char>(ascii_fold[lead]) : fold(c.value);
    const bool alone = letter > 0x3000 && stands_alone(letter);
    if (in_word && (letter == separator || alone)) break;
    at += c.bytes;
    if (letter == separator || letter == ignored) continue;
    hash = add_letter(hash, letter);
    in_word = true;
    if (alone) break;
  }
  rest_.remove_prefix(at);
  hash = mix_bits(hash);
  return in_word;
}

std::uint64_t word_hash(std::string_view folded_word) {
  word_scanner scanner{folded_word};
  std::uint64_t hash = 0;
  scanner.next(hash);
  return hash;
}

}  // namespace millrace
