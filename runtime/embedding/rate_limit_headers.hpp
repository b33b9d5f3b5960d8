// What a server says about its limits in an answer's headers: retry-after-ms, retry-after and
// x-ratelimit-{remaining,reset}-{requests,tokens}.
//
// Values and pure functions, any thread. A header that cannot be read counts as absent: a server's
// slip must not stop us.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "config/settings.hpp"

namespace millrace {

/// The longest time that a server can make us wait before we ask again.
inline constexpr duration max_server_wait = std::chrono::minutes{10};

struct rate_limit_headers {
  struct limit {
    std::optional<std::int64_t> remaining;
    std::optional<duration> reset;  ///< From now.
  };
  std::optional<duration> retry_after_ms;
  std::optional<duration> retry_after;
  limit requests;
  limit tokens;

  /// Reads one header line, "Name: value". `now` is what an HTTP date is relative to.
  void read(std::string_view line, std::chrono::system_clock::time_point now);

  /// How long the server asks to wait, at most max_server_wait: retry-after-ms, else retry-after,
  /// else the reset of what is used up, else the sooner reset. Nothing where it does not say.
  std::optional<duration> wait() const;
};

/// "1s", "6m0s", "250ms", "1h2m3.5s": durations as Go writes them, in units down to ns, rounded up
/// to milliseconds.
std::optional<duration> parse_go_duration(std::string_view text);

/// The value of a retry-after header: seconds, also with a fraction, or an HTTP date (RFC 9110,
/// section 10.2.3).
std::optional<duration> parse_retry_after(std::string_view text,
                                          std::chrono::system_clock::time_point now);

}  // namespace millrace
