// One value between its text (TOML or an environment variable) and its typed place, checked by its
// rules.
//
// Pure but for the place it writes to.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "config/settings_schema.hpp"

namespace millrace {

/// Stores `node` in `value`. Otherwise leaves it as it was and says why: "is 0, expected a whole
/// number from 1 to 100".
std::optional<std::string> store_toml(const toml::node& node, const value_ref& value,
                                      const value_rules& rules);

/// The same from an environment variable's text; a list is written with commas.
std::optional<std::string> store_text(std::string_view text, const value_ref& value,
                                      const value_rules& rules);

/// The value as it stands in TOML: numbers and booleans bare, everything else quoted.
std::string to_toml(const value_ref& value);
/// The same in JSON.
std::string to_json(const value_ref& value);
std::string quote_json(std::string_view text);

}  // namespace millrace
