// The one table of every key: where its value lives in `settings`, what it means and what it may
// be. The loader, the environment overrides, `config show` and the "did you mean" of errors all
// read it, so that none can differ.
//
// Constant data; any thread may read it.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.hpp"

namespace millrace {

/// A setting's place in memory, by its type.
using value_ref = std::variant<bool*, int*, std::int64_t*, double*, duration*, byte_size*,
                               std::string*, std::vector<std::string>*>;

/// What a value may be, beyond its type.
struct value_rules {
  /// Inclusive; for a number its value, for a duration milliseconds, for a size bytes, for a list
  /// its length.
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  /// The only texts allowed; empty: any.
  std::vector<std::string_view> choices = {};
  /// For texts with a form of their own: says whether a text has it, and `form` names it in errors.
  bool (*accepts)(std::string_view text) = nullptr;
  std::string_view form = {};
  /// An element of an array must set it.
  bool is_required = false;
};

/// `Owner` is `settings` for the keys of tables, and the element's struct for those of arrays
/// ([[node]]).
template <class Owner>
struct setting_key {
  std::string_view
      path;  ///< "table.key"; a key with a dot in it is a nested table ("cluster.tls.ca").
  value_ref (*member)(Owner& owner);
  value_rules rules;
  std::string_view doc;  ///< One or two sentences.

  std::string_view table() const { return path.substr(0, path.find('.')); }
  std::string_view name() const { return path.substr(path.find('.') + 1); }
};

/// In the order in which `config show` prints them; keys of one table stand together.
std::span<const setting_key<settings>> settings_keys();
std::span<const setting_key<node_settings>> node_keys();
std::span<const setting_key<extractor_settings>> extractor_keys();

/// "a whole number from 1 to 1000": what an error says was expected.
std::string describe_expected(const value_ref& value, const value_rules& rules);

}  // namespace millrace
