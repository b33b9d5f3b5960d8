// Fills `settings` from a TOML tree and from the environment, key by key along the schema, and
// remembers where each value came from, so that later checks can point there.
//
// Used by one thread, once: read_toml(), read_environment(), then result().
#pragma once

#include <map>
#include <optional>
#include <string>

#include <toml++/toml.h>

#include "config/load.hpp"
#include "config/settings_schema.hpp"

namespace millrace {

class settings_reader {
 public:
  explicit settings_reader(std::string file) : file_(std::move(file)) {}

  /// Everything in the tree must be a known key with a right value; otherwise the error nearest the
  /// file's top.
  std::optional<config_error> read_toml(const toml::table& root);
  /// MILLRACE_SECTION__KEY=VALUE; the first error by the variable's name.
  std::optional<config_error> read_environment(const environment& env);

  /// An error at the place where the first of `paths` that was set is; at the file where all have
  /// their defaults.
  config_error error_at(const std::vector<std::string>& paths, std::string message) const;

  const settings& result() const { return settings_; }

 private:
  struct place {
    std::string file;
    int line = 0;
  };

  /// Reads the keys of `table`, which stands at `path` in the schema and at `where` in the file
  /// ("node.1").
  template <class Owner>
  void read_table(const toml::table& table, const std::string& path, const std::string& where,
                  std::span<const setting_key<Owner>> keys, Owner& owner);
  template <class Element>
  void read_array(const toml::node& node, const std::string& name,
                  std::span<const setting_key<Element>> keys, std::vector<Element>& elements);
  void read_section(const std::string& name, const toml::node& node);
  /// Stores one value, or reports why it cannot be.
  void read_value(const toml::node& node, const std::string& path, const value_ref& value,
                  const value_rules& rules);
  void report(const toml::node& node, std::string message);

  std::string file_;
  settings settings_;
  std::map<std::string, place> places_;
  std::optional<config_error> first_error_;  ///< The one nearest the top of the file.
};

}  // namespace millrace
