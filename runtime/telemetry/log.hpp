// The process's log: one line an event on standard error (never standard output, which belongs to
// what a command prints), as "TIME LEVEL message key=value ...", time in UTC with milliseconds.
//
//   log::warn("a document failed", {{"uri", uri}, {"attempt", 3}});
//   2026-01-31T12:00:00.000Z warning a document failed uri="file:///a b.pdf" attempt=3
//
// Any thread may log; spdlog serialises lines. Writing blocks where standard error does. Values are
// escaped, so that a hostile file name cannot forge a line, and cut at max_value_bytes. No secret
// is ever passed here.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "runtime/core/error.hpp"

namespace millrace::log {

enum class level { trace, debug, info, warn, error };

inline constexpr std::size_t max_value_bytes = 2048;

/// A value under its key, ready to be printed.
struct field {
  std::string key;
  std::string value;

  field(std::string_view k, std::string_view v) : key(k), value(v) {}
  field(std::string_view k, const std::string& v) : key(k), value(v) {}
  field(std::string_view k, const char* v) : key(k), value(v) {}
  field(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  field(std::string_view k, double v);
  template <std::integral Number>
  field(std::string_view k, Number v) : key(k), value(std::to_string(v)) {}
};

/// Once, at start: "trace" | "debug" | "info" | "warn" | "error"; invalid_config for anything else.
/// spdlog's default logger becomes this one, so that spdlog::info() ends up here too.
result<void> set_up(std::string_view level_name);

void write(level l, std::string_view message, std::initializer_list<field> fields = {});

inline void debug(std::string_view message, std::initializer_list<field> fields = {}) {
  write(level::debug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<field> fields = {}) {
  write(level::info, message, fields);
}
inline void warn(std::string_view message, std::initializer_list<field> fields = {}) {
  write(level::warn, message, fields);
}
inline void error(std::string_view message, std::initializer_list<field> fields = {}) {
  write(level::error, message, fields);
}

/// "message key=value key=\"a value\"": what write() puts behind time and level.
std::string format(std::string_view message, std::initializer_list<field> fields);

}  // namespace millrace::log
