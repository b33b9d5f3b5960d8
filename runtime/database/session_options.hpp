// The connection string that every session of a pool is opened with: the user's, completed with the
// bounds that no session may lack. Pure; any thread.
#pragma once

#include <string>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"

namespace millrace {

/// A session that began a transaction and then says nothing for so long is ended by the server: a
/// stopped process must not hold locks against its successor.
constexpr duration idle_in_transaction_timeout = std::chrono::seconds{2};

/// A session plans a prepared statement once, whatever its parameters. Left alone PostgreSQL
/// compares that plan's cost with the mean of those it made before, while the tables were smaller,
/// and then plans the statements of a growing queue at every call: 12 % of all CPU time (ran,
/// beside an open snapshot). A transaction whose best plan depends on how large the dataset is that
/// it names begins with this.
constexpr auto plan_for_values_sql = "set local plan_cache_mode = force_custom_plan";

/// `connection_string` is a URL or libpq's keywords. Its own values win over ours, except for the
/// encoding. ec::invalid_config where it cannot be read; the message never repeats it, it may hold
/// a password.
result<std::string> session_connection_string(const std::string& connection_string,
                                              const database_settings& s,
                                              const std::string& application_name);

}  // namespace millrace
