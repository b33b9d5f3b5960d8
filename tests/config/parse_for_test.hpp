// Shorthands of the tests in this folder.
#pragma once

#include <string>
#include <string_view>

#include "config/load.hpp"

namespace millrace {

/// The error's text, or "no error".
inline std::string error_of(std::string_view toml, const environment& env = {}) {
  const auto parsed = parse_settings(toml, "test.toml", env);
  return parsed ? "no error" : parsed.error().to_string();
}

}  // namespace millrace
