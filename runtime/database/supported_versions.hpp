// The major versions of PostgreSQL that Millrace works with: 15 and 17 are tested, 16 and 18 lie
// between and behind them.
#pragma once

#include <string>

#include "runtime/core/error.hpp"

namespace millrace::postgres {

/// Older servers lack what the SQL uses and are refused. A newer one may do: a server of the user's
/// own is used with a warning, and none is started as the embedded server.
constexpr int oldest_version = 15;
constexpr int newest_version = 18;
/// The oldest that a data directory can be upgraded from.
constexpr int oldest_upgradable_version = 13;

/// Of a server_version_num: 150018 is 15.18.
constexpr int major_version(int number) {
  return number / 10000;
}

/// "15 to 18".
std::string supported_versions();

/// Of a server of the user's own, by its server_version_num: a warning, empty if there is none.
/// database_outdated if it is too old.
result<std::string> check_server_version(int number);

}  // namespace millrace::postgres
