// Reads settings from TOML, strictly: an unknown table or key, a wrong type or a value out of its
// limits is an error that names file, line, what was expected and the nearest known key.
// MILLRACE_SECTION__KEY in the environment overrides a file's value and is checked the same way.
//
// Called once at start, from one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "config/settings.hpp"
#include "config/units.hpp"

namespace millrace {

struct config_error {
  std::string file;  ///< Path, "environment" or "built-in".
  int line = 0;      ///< 1-based; 0 where there is none.
  std::string message;

  /// "FILE:LINE: message", as a user reads it.
  std::string to_string() const;
};

/// Environment variables by name; a seam for tests.
using environment = std::map<std::string, std::string>;
/// Those of this process that begin with "MILLRACE_".
environment process_environment();

/// TOML text → settings. `file` is only used in errors. Starts from the defaults of settings.hpp.
/// Of several errors in a file the one on its first line is reported. Variables without "__" are
/// not overrides and are ignored.
tl::expected<settings, config_error> parse_settings(std::string_view toml, std::string file,
                                                    const environment& env);
/// Reads `path`; a missing or unreadable file is an error too.
tl::expected<settings, config_error> load_settings(const std::filesystem::path& path,
                                                   const environment& env);
/// config/quickstart.toml, compiled into the binary: what `millrace run` uses without --config.
tl::expected<settings, config_error> quickstart_settings(const environment& env);

/// The whole configuration as TOML, each key with its documentation as a comment; parse_settings
/// reads it back. Shows names of secrets' sources, never secrets.
std::string render_settings(const settings& s);
/// {"section": {"key": value}} for `config show --json`.
std::string render_settings_json(const settings& s);

/// extraction.memory_budget in bytes, given the memory of the machine or its cgroup.
std::uint64_t memory_budget_bytes(const extraction_settings& s, std::uint64_t total_memory_bytes);

}  // namespace millrace
