#include "runtime/chunking/text_pieces.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace millrace {

namespace {

constexpr std::string_view white_space = " \t\n\r\f\v";

/// Words that end with a full stop without ending a sentence, between blanks: English, German,
/// French, Spanish, Russian. Single letters and words with a full stop inside (e.g, z.B, U.S, т.е)
/// are recognised by their form.
constexpr std::string_view abbreviations =
    " al approx apr aug ave ca cf ch chap co col corp dec dept dr ed eds eq eqs est etc feb fig "
    " figs gov inc jan jr jul jun lt ltd mr mrs ms mt nos nov oct pp prof rev sec sen sep sept sr "
    " st vol vs viz "
    " abb abs anm bd bspw bzgl bzw dez evtl ggf hr hrsg inkl kap mio mrd mwst nr okt resp sog tel "
    " usw vgl zzgl "
    " av mme qq sra ud uds "
    " гг др им млн млрд напр проф рис руб см ст стр табл тыс ул ";

/// What sentence_end() must look at; everything else is inside a word.
enum class byte_role : std::uint8_t { word, space, may_stop };

constexpr auto role_of_byte = [] {
  std::array<byte_role, 256> roles{};
  for (const char c : white_space) roles[static_cast<std::uint8_t>(c)] = byte_role::space;
  for (const char c : std::string_view{".!?"})
    roles[static_cast<std::uint8_t>(c)] = byte_role::may_stop;
  for (std::size_t lead = 0xD8; lead < 0xF0; ++lead)
    roles[lead] = byte_role::may_stop;  // ؟ ۔ । … 。 ！
  return roles;
}();

byte_role role(char c) {
  return role_of_byte[static_cast<std::uint8_t>(c)];
}
bool is_space(char c) {
  return role(c) == byte_role::space;
}
bool is_continuation(char c) {
  return (static_cast<std::uint8_t>(c) & 0xC0U) == 0x80U;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Bytes of the character at the start of `s`: at least 1, also where the bytes are not UTF-8.
std::size_t character_length(std::string_view s) {
  std::size_t n = 1;
  while (n < s.size() && n < 4 && is_continuation(s[n])) ++n;
  return n;
}

template <std::size_t N>
std::size_t match_any(std::string_view text, const std::array<std::string_view, N>& candidates) {
  for (const auto c : candidates)
    if (text.starts_with(c)) return c.size();
  return 0;
}

/// Length of a full stop that ends a sentence without white space behind it, or 0.
std::size_t wide_stop(std::string_view text) {
  constexpr std::array<std::string_view, 4> stops = {"。", "！", "？", "｡"};
  const auto lead = static_cast<std::uint8_t>(text.front());
  return lead == 0xE3 || lead == 0xEF ? match_any(text, stops) : 0;
}

/// Length of a full stop that needs white space behind it, or 0. Also the stops of Arabic, Urdu and
/// Indic scripts.
std::size_t narrow_stop(std::string_view text) {
  constexpr std::array<std::string_view, 5> stops = {"…", "؟", "۔", "।", "॥"};
  const char c = text.front();
  if (c == '.' || c == '!' || c == '?') return 1;
  return static_cast<std::uint8_t>(c) < 0x80 ? 0 : match_any(text, stops);
}

/// Length of quotes and brackets that close at the start of `text`.
std::size_t closing(std::string_view text) {
  constexpr std::array<std::string_view, 12> marks = {"\"", "'", ")",  "]",  "”",  "’",
                                                      "»",  "“", "」", "』", "）", "】"};
  std::size_t n = 0;
  while (n < text.size()) {
    const auto more = match_any(text.substr(n), marks);
    if (more == 0) break;
    n += more;
  }
  return n;
}

/// Folds A-Z and А-Я: all that the list of abbreviations needs.
std::string fold(std::string_view word) {
  std::string out{word};
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] >= 'A' && out[i] <= 'Z') out[i] = static_cast<char>(out[i] - 'A' + 'a');
    if (out[i] != '\xD0' || i + 1 >= out.size()) continue;
    const auto tail = static_cast<std::uint8_t>(out[i + 1]);
    if (tail >= 0x90 && tail <= 0x9F) out[i + 1] = static_cast<char>(tail + 0x20);  // А-П → а-п
    if (tail >= 0xA0 && tail <= 0xAF) {  // Р-Я → р-я
      out[i] = '\xD1';
      out[i + 1] = static_cast<char>(tail - 0x20);
    }
  }
  return out;
}

/// True where the single full stop after `word` does not end a sentence.
bool is_abbreviation(std::string_view word) {
  constexpr std::size_t longest_abbreviation = 12;  // bytes
  constexpr std::size_t longest_ordinal = 2;        // digits: "3. Oktober", but "in 1999."
  while (!word.empty() && std::string_view{"([\"'"}.find(word.front()) != std::string_view::npos)
    word.remove_prefix(1);
  if (word.empty() || word.size() > longest_abbreviation) return false;
  if (std::all_of(word.begin(), word.end(), is_digit)) return word.size() <= longest_ordinal;
  if (word.size() == character_length(word)) return word != "I";
  if (word.find('.') != std::string_view::npos)
    return !is_digit(word.front()) && word.find("..") == std::string_view::npos;
  return abbreviations.find(' ' + fold(word) + ' ') != std::string_view::npos;
}

/// True where the text goes on with a lower-case letter (a-z, à-ÿ, а-я): no sentence starts so.
bool starts_lower(std::string_view text) {
  if (text.empty()) return false;
  if (text[0] >= 'a' && text[0] <= 'z') return true;
  if (text.size() < 2) return false;
  const auto tail = static_cast<std::uint8_t>(text[1]);
  if (text[0] == '\xC3') return tail >= 0xA0;
  return (text[0] == '\xD0' && tail >= 0xB0) || text[0] == '\xD1';
}

bool empty_line_follows(std::string_view text) {
  std::size_t newlines = 0;
  for (const char c : text) {
    if (!is_space(c)) return false;
    if (c == '\n' && ++newlines == 2) return true;
  }
  return false;
}

/// Where the sentence that starts at `begin` ends: after its stop and closing marks, or at the end
/// of the text.
std::size_t sentence_end(std::string_view text, std::size_t begin) {
  std::size_t word_begin = begin;
  for (std::size_t i = begin; i < text.size();) {
    if (role(text[i]) == byte_role::word) {
      ++i;
      continue;
    }
    const auto rest = text.substr(i);
    if (is_space(rest.front())) {
      if (rest.front() == '\n' && empty_line_follows(rest)) return i;
      word_begin = ++i;
      continue;
    }
    if (const auto wide = wide_stop(rest); wide > 0) {
      i += wide;
      while (i < text.size() && wide_stop(text.substr(i)) > 0) i += wide_stop(text.substr(i));
      return i + closing(text.substr(i));
    }
    const auto stop = narrow_stop(rest);
    if (stop == 0) {
      i += character_length(rest);
      continue;
    }
    const auto word = text.substr(word_begin, i - word_begin);
    const bool full_stop = rest.front() == '.';
    i += stop;
    if (i < text.size() && narrow_stop(text.substr(i)) > 0) continue;  // "?!" and "..."
    const auto end = i + closing(text.substr(i));
    if (end < text.size() && !is_space(text[end])) continue;  // 3.14, example.org
    const auto next = text.find_first_not_of(white_space, end);
    if (next == std::string_view::npos) return end;
    if (starts_lower(text.substr(next)) || (full_stop && is_abbreviation(word))) continue;
    return end;
  }
  return text.size();
}

std::string_view trim_end(std::string_view s) {
  const auto last = s.find_last_not_of(white_space);
  return last == std::string_view::npos ? std::string_view{} : s.substr(0, last + 1);
}

/// U+0300 to U+036F, variation selectors, the zero-width joiner and skin tones: they belong to what
/// is before them.
bool is_combining(std::string_view at) {
  if (at.size() < 2) return false;
  const auto second = static_cast<std::uint8_t>(at[1]);
  if (at[0] == '\xCC') return true;
  if (at[0] == '\xCD') return second <= 0xAF;
  return at.starts_with("\u200D") || (at[0] == '\xEF' && second == 0xB8) ||
         at.starts_with("\xF0\x9F\x8F");
}

}  // namespace

std::vector<std::string_view> split_sentences(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t begin = text.find_first_not_of(white_space); begin < text.size();) {
    const auto end = sentence_end(text, begin);
    out.push_back(trim_end(text.substr(begin, end - begin)));
    begin = text.find_first_not_of(white_space, end);
  }
  return out;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (const auto line = trim_end(text.substr(0, end)); !line.empty()) out.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> out;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    const char* const begin = std::find_if_not(at, end, is_space);
    at = std::find_if(begin, end, is_space);
    if (begin != at) out.emplace_back(begin, static_cast<std::size_t>(at - begin));
  }
  return out;
}

std::string_view longest_prefix(std::string_view word, char before, token_cost budget) {
  std::size_t fits = 0;   // end of the last character within the budget
  std::size_t whole = 0;  // the same, but not before a combining mark
  token_cost cost = 0;
  while (fits < word.size()) {
    const auto rest = word.substr(fits);
    if (!is_combining(rest)) whole = fits;
    const auto n = character_length(rest);
    cost += estimate_cost(rest.substr(0, n), fits == 0 ? before : word[fits - 1]);
    if (cost > budget) return word.substr(0, whole > 0 ? whole : fits);
    fits += n;
  }
  return word;
}

}  // namespace millrace
