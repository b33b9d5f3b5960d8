#include "runtime/parsers/rtf_reader.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Longest control word and number (RTF 1.9.1, "Basic Entities").
constexpr std::size_t max_word_bytes = 32;
constexpr std::size_t max_number_bytes = 10;

template <class Predicate>
std::size_t prefix_length(std::string_view text, std::size_t most, Predicate belongs) {
  std::size_t n = 0;
  while (n < text.size() && n < most && belongs(text[n])) ++n;
  return n;
}

}  // namespace

rtf_token rtf_reader::next() {
  while (!rest_.empty() && (rest_[0] == '\r' || rest_[0] == '\n' || rest_[0] == '\0'))
    rest_.remove_prefix(1);
  rtf_token token;
  if (rest_.empty()) return token;
  const char c = rest_[0];
  if (c == '\\') return read_control();
  std::size_t length = 1;
  if (c == '{') {
    token.kind = rtf_token::type::group_start;
  } else if (c == '}') {
    token.kind = rtf_token::type::group_end;
  } else {
    token.kind = rtf_token::type::text;
    length = std::min(rest_.find_first_of("\\{}\r\n"), rest_.size());
  }
  token.text = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return token;
}

rtf_token rtf_reader::read_control() {
  rest_.remove_prefix(1);
  if (!rest_.empty() && is_alpha(rest_[0])) return read_word();
  rtf_token token;
  token.kind = rtf_token::type::symbol;
  token.text = rest_.substr(0, 1);
  rest_.remove_prefix(token.text.size());
  if (token.text != "'") return token;
  token.kind = rtf_token::type::byte;
  std::uint8_t value = 0;
  const auto digits = rest_.substr(0, 2);
  const auto [end, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  rest_.remove_prefix(static_cast<std::size_t>(end - digits.data()));
  token.byte = problem == std::errc{} ? static_cast<char>(value) : '?';
  return token;
}

rtf_token rtf_reader::read_word() {
  rtf_token token;
  token.kind = rtf_token::type::word;
  token.text = rest_.substr(0, prefix_length(rest_, max_word_bytes, is_alpha));
  rest_.remove_prefix(token.text.size());
  const std::size_t sign = rest_.starts_with('-') ? 1 : 0;
  const auto digits = prefix_length(rest_.substr(sign), max_number_bytes, is_digit);
  if (digits > 0) {
    std::int64_t value = 0;
    std::from_chars(rest_.data(), rest_.data() + sign + digits, value);
    token.number = static_cast<std::int32_t>(std::clamp<std::int64_t>(
        value, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
    token.has_number = true;
    rest_.remove_prefix(sign + digits);
  }
  if (rest_.starts_with(' ')) rest_.remove_prefix(1);
  if (token.text == "bin") {
    token.kind = rtf_token::type::binary;
    token.text = rest_.substr(0, static_cast<std::size_t>(std::max(token.number, 0)));
    rest_.remove_prefix(token.text.size());
  }
  return token;
}

}  // namespace millrace::parsers
