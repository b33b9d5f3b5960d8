#include "runtime/embedding/rate_limit_headers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include <curl/curl.h>

namespace millrace {

namespace {

std::string_view trim(std::string_view s) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = s.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(blank) - first + 1);
}

/// A non-negative decimal number at the start of `text`, which it is removed from.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(value) || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// At most a day, so that no number overflows; rounded up, so that we never come too early.
duration from_milliseconds(double ms) {
  constexpr double day = 86'400'000;
  return duration{static_cast<duration::rep>(std::ceil(std::min(ms, day)))};
}

std::optional<std::int64_t> parse_count(std::string_view text) {
  const auto value = take_number(text);
  constexpr double most = 1e15;
  if (!value || !text.empty()) return std::nullopt;
  return static_cast<std::int64_t>(std::min(*value, most));
}

/// A reset is a Go duration; some servers send seconds.
std::optional<duration> parse_reset(std::string_view text) {
  if (const auto go = parse_go_duration(text)) return go;
  const auto seconds = take_number(text);
  if (!seconds || !text.empty()) return std::nullopt;
  return from_milliseconds(*seconds * 1'000);
}

}  // namespace

std::optional<duration> parse_go_duration(std::string_view text) {
  struct unit {
    std::string_view name;
    double milliseconds;
  };
  // Longer names first: "ms" is not "m".
  constexpr std::array units = {unit{"ms", 1},       unit{"us", 1e-3}, unit{"µs", 1e-3},
                                unit{"ns", 1e-6},    unit{"s", 1'000}, unit{"m", 60'000},
                                unit{"h", 3'600'000}};
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto number = take_number(text);
    const auto u = std::find_if(units.begin(), units.end(),
                                [&](const unit& each) { return text.starts_with(each.name); });
    if (!number || u == units.end()) return std::nullopt;
    total += *number * u->milliseconds;
    text.remove_prefix(u->name.size());
  }
  return from_milliseconds(total);
}

std::optional<duration> parse_retry_after(std::string_view text,
                                          std::chrono::system_clock::time_point now) {
  auto rest = text;
  if (const auto seconds = take_number(rest); seconds && rest.empty())
    return from_milliseconds(*seconds * 1'000);
  const auto date = curl_getdate(std::string{text}.c_str(), nullptr);
  if (date < 0) return std::nullopt;
  const auto until = std::chrono::system_clock::from_time_t(date) - now;
  return from_milliseconds(std::max(0.0, std::chrono::duration<double, std::milli>{until}.count()));
}

void rate_limit_headers::read(std::string_view line, std::chrono::system_clock::time_point now) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string name{trim(line.substr(0, colon))};
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto value = trim(line.substr(colon + 1));
  if (name == "retry-after-ms") {
    auto rest = value;
    if (const auto ms = take_number(rest); ms && rest.empty())
      retry_after_ms = from_milliseconds(*ms);
  } else if (name == "retry-after") {
    retry_after = parse_retry_after(value, now);
  } else if (name == "x-ratelimit-remaining-requests") {
    requests.remaining = parse_count(value);
  } else if (name == "x-ratelimit-remaining-tokens") {
    tokens.remaining = parse_count(value);
  } else if (name == "x-ratelimit-reset-requests") {
    requests.reset = parse_reset(value);
  } else if (name == "x-ratelimit-reset-tokens") {
    tokens.reset = parse_reset(value);
  }
}

std::optional<duration> rate_limit_headers::wait() const {
  auto asked = retry_after_ms ? retry_after_ms : retry_after;
  if (!asked) {
    for (const auto& l : {requests, tokens})
      if (l.remaining == 0 && l.reset) asked = std::max(asked.value_or(duration{0}), *l.reset);
  }
  if (!asked) {
    for (const auto& l : {requests, tokens})
      if (l.reset) asked = std::min(asked.value_or(*l.reset), *l.reset);
  }
  if (!asked) return std::nullopt;
  return std::min(*asked, max_server_wait);
}

}  // namespace millrace
