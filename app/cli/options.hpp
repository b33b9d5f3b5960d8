// What every command is given, and how commands end.
#pragma once

#include <filesystem>
#include <string>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"

namespace millrace::cli {

/// Exit codes of every command (README, "Exit codes").
enum class exit : int { ok = 0, error = 1, usage = 2, some_failed = 3 };

struct global_options {
  std::filesystem::path config_file;  ///< --config; empty: config/quickstart.toml, compiled in.
  std::filesystem::path data;         ///< --data.
  std::string environment_data;       ///< MILLRACE_DATA; only where nothing else names the data.
  std::string environment_endpoint;   ///< MILLRACE_ENDPOINT.
  std::string endpoint;               ///< --endpoint, or that where no option names the data.
  std::string token;                  ///< MILLRACE_TOKEN.
  bool json = false;
};

/// " --data D --config F --endpoint U" as they were given, for a command that goes on with the same
/// data.
std::string same_data(const global_options& options);
/// A word as a shell takes it.
std::string quoted(const std::string& word);

/// The settings of --config, or the built-in ones; sets up the log.
result<settings> load(const global_options& options);

/// 2 for a caller's error of usage or configuration, 1 for any other error.
int exit_code(ec code);

/// Prints "millrace: MESSAGE" on standard error and returns the exit code for it.
int report(const error& e);

}  // namespace millrace::cli
