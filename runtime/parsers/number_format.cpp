#include "runtime/parsers/number_format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr int precise_digits = 15;  ///< As many as Excel keeps of a number.
constexpr int general_digits = 11;
constexpr double max_whole = 1e15;
constexpr std::size_t max_decimals = 30;

/// A positive number as digits: 0.DDD… times ten to `exponent`. No digits: zero.
struct decimal {
  std::string digits;
  int exponent = 0;

  explicit decimal(double value) {
    if (value == 0 || !std::isfinite(value)) return;
    std::array<char, 64> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                   std::chars_format::scientific, precise_digits - 1)
                         .ptr;
    const std::string_view text{buffer.data(), static_cast<std::size_t>(end - buffer.data())};
    const auto mark = text.find('e');
    for (const char c : text.substr(0, mark))
      if (is_digit(c)) digits.push_back(c);
    const auto power = text.substr(mark + (text[mark + 1] == '+' ? 2 : 1));
    std::from_chars(power.data(), power.data() + power.size(), exponent);
    ++exponent;
    trim_zeros();
  }

  /// Keeps `count` digits, half rounded up as Excel does.
  void round_to(int count) {
    if (count < 0) {
      digits.clear();
      return;
    }
    const auto keep = static_cast<std::size_t>(count);
    if (keep >= digits.size()) return;
    const bool up = digits[keep] >= '5';
    digits.resize(keep);
    if (up) {
      while (!digits.empty() && digits.back() == '9') digits.pop_back();
      if (digits.empty()) {
        digits = "1";
        ++exponent;
        return;
      }
      ++digits.back();
    }
    trim_zeros();
  }

  std::string whole() const {
    if (exponent <= 0 || digits.empty()) return {};
    auto out = digits.substr(0, static_cast<std::size_t>(exponent));
    out.resize(static_cast<std::size_t>(exponent), '0');
    return out;
  }

  std::string fraction() const {
    if (digits.empty()) return {};
    if (exponent <= 0) return std::string(static_cast<std::size_t>(-exponent), '0') + digits;
    return digits.size() > static_cast<std::size_t>(exponent)
               ? digits.substr(static_cast<std::size_t>(exponent))
               : std::string{};
  }

 private:
  void trim_zeros() {
    while (!digits.empty() && digits.back() == '0') digits.pop_back();
  }
};

std::string padded(long long value, std::size_t width) {
  auto out = std::to_string(value);
  if (out.size() < width) out.insert(0, width - out.size(), '0');
  return out;
}

constexpr std::array<std::string_view, 12> months{"January",   "February", "March",    "April",
                                                  "May",       "June",     "July",     "August",
                                                  "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> weekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

/// A serial number taken apart.
struct moment {
  int year = 0;
  unsigned month = 1;
  unsigned day = 1;
  unsigned weekday = 0;
  long long hour = 0;
  long long minute = 0;
  long long second = 0;
  long long millisecond = 0;
  long long elapsed_seconds = 0;  ///< Since the serial number 0.
};

constexpr double max_serial = 2'958'466;  ///< The day after 31 December 9999.
constexpr long long milliseconds_a_day = 86'400'000;

/// Rounds to `step` milliseconds.
moment take_apart(double serial, date_system system, long long step) {
  using namespace std::chrono;
  const double whole = std::floor(serial);
  auto in_day = std::llround((serial - whole) * static_cast<double>(milliseconds_a_day));
  in_day = (in_day + step / 2) / step * step;
  auto day = static_cast<long long>(whole) + in_day / milliseconds_a_day;
  in_day %= milliseconds_a_day;
  moment out;
  out.elapsed_seconds = day * 86'400 + in_day / 1000;
  const bool never_was = system == date_system::from_1900 && day == 60;
  const bool before_that = system == date_system::from_1900 && day < 60;
  const sys_days origin = system == date_system::from_1904 ? sys_days{1904y / January / 1}
                                                           : sys_days{1899y / December / 30};
  const auto date = origin + std::chrono::days{day + (before_that ? 1 : 0)};
  const year_month_day parts{date};
  out.year = static_cast<int>(parts.year());
  out.month = static_cast<unsigned>(parts.month());
  out.day = static_cast<unsigned>(parts.day());
  out.weekday = weekday{date}.c_encoding();
  if (never_was) {
    out.month = 2;
    out.day = 29;
  }
  out.hour = in_day / 3'600'000;
  out.minute = in_day / 60'000 % 60;
  out.second = in_day / 1000 % 60;
  out.millisecond = in_day % 1000;
  return out;
}

std::string show_date_part(char letter, std::size_t count, const moment& at, bool half_days) {
  switch (letter) {
    case 'y':
      return count <= 2 ? padded(at.year % 100, 2) : padded(at.year, 4);
    case 'm': {
      const auto name = months[at.month - 1];
      if (count <= 2) return padded(at.month, count);
      if (count == 3) return std::string{name.substr(0, 3)};
      return std::string{count == 5 ? name.substr(0, 1) : name};
    }
    case 'd': {
      const auto name = weekdays[at.weekday];
      if (count <= 2) return padded(at.day, count);
      return std::string{count == 3 ? name.substr(0, 3) : name};
    }
    case 'h':
      return padded(half_days ? (at.hour + 11) % 12 + 1 : at.hour, std::min<std::size_t>(count, 2));
    case 'n':
      return padded(at.minute, std::min<std::size_t>(count, 2));
    case 's':
      return padded(at.second, std::min<std::size_t>(count, 2));
    default:
      return '.' + padded(at.millisecond, 3).substr(0, count);
  }
}

}  // namespace

std::string show_general(double value) {
  if (!std::isfinite(value)) return "#NUM!";
  const std::string sign = value < 0 ? "-" : "";
  decimal number{std::abs(value)};
  if (number.digits.empty()) return "0";
  if (std::abs(value) < max_whole && std::floor(value) == value) return sign + number.whole();
  const bool plain = std::abs(value) >= 1e-4 && std::abs(value) < 1e11;
  if (plain) {
    // Eleven characters, the point aside; a leading zero counts.
    number.round_to(number.exponent > 0 ? general_digits : general_digits - 1 + number.exponent);
    const auto whole = number.whole();
    const auto fraction = number.fraction();
    return sign + (whole.empty() ? "0" : whole) + (fraction.empty() ? "" : "." + fraction);
  }
  number.round_to(6);
  auto out = sign + number.digits.substr(0, 1);
  if (number.digits.size() > 1) out += "." + number.digits.substr(1);
  const int power = number.exponent - 1;
  return out + (power < 0 ? "E-" : "E+") + padded(std::abs(power), 2);
}

bool number_format::condition::holds(double value) const {
  if (sign == "<") return value < limit;
  if (sign == "<=") return value <= limit;
  if (sign == ">") return value > limit;
  if (sign == ">=") return value >= limit;
  if (sign == "<>") return value != limit;
  return value == limit;
}

const number_format::section& number_format::section_for(double value, bool& shows_sign) const {
  // A section of its own for negative numbers says by itself how they look.
  shows_sign = value < 0;
  const auto count = sections_.size();
  const bool conditional = std::any_of(sections_.begin(), sections_.end(),
                                       [](const section& s) { return s.when.has_value(); });
  if (conditional) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto& s = sections_[i];
      const bool last = i + 1 == count || i == 2;
      if (s.when ? s.when->holds(value) : last || (i == 1 && value < 0)) {
        shows_sign = value < 0 && (i == 0 || !s.when);
        return s;
      }
    }
    return sections_.front();
  }
  if (value < 0 && count > 1) {
    shows_sign = false;
    return sections_[1];
  }
  return value == 0 && count > 2 ? sections_[2] : sections_.front();
}

std::string number_format::show(double value, date_system system) const {
  if (is_general_ || !std::isfinite(value)) return show_general(value);
  bool shows_sign = false;
  const auto& s = section_for(value, shows_sign);
  if (s.is_date && value >= 0 && value < max_serial) return collapse(show_date(s, value, system));
  if (s.is_date || s.is_fraction || s.has_text) return show_general(value);
  const auto text = collapse(show_number(s, std::abs(value)));
  const bool is_zero = text.find_first_of("123456789") == std::string::npos;
  return shows_sign && !is_zero ? '-' + text : text;
}

std::string number_format::show_text(std::string_view text) const {
  // The last section is that of text where it has an @; without one, text stays as it is.
  if (is_general_ || !sections_.back().has_text) return std::string{text};
  std::string out;
  for (const auto& t : sections_.back().tokens)
    out += t.kind == token_kind::text ? std::string{text} : t.text;
  return out;
}

std::string number_format::show_date(const section& s, double value, date_system system) {
  // Seconds are rounded into what is shown of them, everything longer is cut.
  long long step = 1;
  bool half_days = false;
  for (const auto& t : s.tokens) {
    half_days = half_days || t.kind == token_kind::half_of_day;
    if (t.letter == 's') step = 1000;
    if (t.kind == token_kind::date && t.letter == 'f')
      step = t.count == 1 ? 100 : t.count == 2 ? 10 : 1;
  }
  const auto at = take_apart(value, system, step);
  std::string out;
  for (const auto& t : s.tokens) {
    if (t.kind == token_kind::date)
      out += show_date_part(t.letter, t.count, at, half_days);
    else if (t.kind == token_kind::elapsed)
      out += padded(at.elapsed_seconds / (t.letter == 'h'   ? 3600
                                          : t.letter == 'm' ? 60
                                                            : 1),
                    t.count);
    else if (t.kind == token_kind::half_of_day)
      out += std::string_view{at.hour < 12 ? "AM" : "PM"}.substr(0, t.count);
    else
      out += t.text;
  }
  return out;
}

/// Where a section's digits go.
struct number_format::places {
  std::string whole;     ///< The letters 0, # or ? before the decimal point,
  std::string fraction;  ///< behind it,
  std::string exponent;  ///< and behind the E.

  explicit places(const section& s) {
    auto* into = &whole;
    for (const auto& t : s.tokens) {
      if (t.kind == token_kind::point) into = &fraction;
      if (t.kind == token_kind::exponent) into = &exponent;
      if (t.kind == token_kind::digit) into->push_back(t.letter);
    }
    if (fraction.size() > max_decimals) fraction.resize(max_decimals);
  }
};

namespace {

/// What stands at each place of a whole number; the first one takes all digits that have no place
/// of their own.
std::vector<std::string> spread_whole(std::string digits, const std::string& letters,
                                      bool grouped) {
  const auto first_zero = letters.find('0');
  const auto least = first_zero == std::string::npos ? 0 : letters.size() - first_zero;
  if (digits.size() < least) digits.insert(0, least - digits.size(), '0');
  std::vector<std::string> out(letters.size());
  for (std::size_t i = 0; i < digits.size() && !out.empty(); ++i) {
    const auto from_right = digits.size() - 1 - i;
    auto& at = out[from_right < out.size() ? out.size() - 1 - from_right : 0];
    at.push_back(digits[i]);
    if (grouped && from_right > 0 && from_right % 3 == 0) at.push_back(',');
  }
  return out;
}

std::vector<std::string> spread_fraction(const std::string& digits, const std::string& letters) {
  std::vector<std::string> out(letters.size());
  for (std::size_t i = 0; i < letters.size(); ++i)
    out[i] = i < digits.size() ? std::string{digits[i]} : letters[i] == '0' ? "0" : "";
  return out;
}

/// Moves the point of `number` so that as many digits stand before it as the format has places
/// (one: scientific, three: engineering) and returns the power of ten that this takes.
int take_power(decimal& number, std::size_t whole_places, std::size_t decimals) {
  if (number.digits.empty()) return 0;
  const auto step = std::max(static_cast<int>(whole_places), 1);
  auto power =
      static_cast<int>(std::floor((number.exponent - 1) / static_cast<double>(step))) * step;
  auto rounded = number;
  rounded.round_to(number.exponent - power + static_cast<int>(decimals));
  if (rounded.exponent - power > step) power += step;
  number.exponent -= power;
  return power;
}

}  // namespace

std::string number_format::show_number(const section& s, double value) {
  const places p{s};
  decimal number{value};
  // Powers of ten only move the point.
  number.exponent += 2 * s.percents - 3 * s.thousands_scale;
  const int power = s.has_exponent ? take_power(number, p.whole.size(), p.fraction.size()) : 0;
  number.round_to(number.exponent + static_cast<int>(p.fraction.size()));
  auto pieces = spread_whole(number.whole(), p.whole, s.grouped);
  for (auto& piece : spread_fraction(number.fraction(), p.fraction))
    pieces.push_back(std::move(piece));
  pieces.push_back(padded(std::abs(power), p.exponent.size()));
  std::string out;
  std::size_t next = 0;
  for (const auto& t : s.tokens) {
    if (t.kind == token_kind::digit)
      out += next < pieces.size() ? pieces[next++] : std::string{};
    else if (t.kind == token_kind::point)
      out += (p.whole.empty() ? number.whole() : std::string{}) + '.';
    else if (t.kind == token_kind::exponent)
      out += power < 0 ? "E-" : "E+";
    else if (t.kind == token_kind::general)
      out += show_general(value);
    else
      out += t.text;
  }
  return out;
}

}  // namespace millrace::parsers
