// Finds the database of a command or a node: an embedded server in the data directory, or a URL;
// migrated. Blocks.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/database/embedded/embedded_server.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

enum class database_use : std::uint8_t {
  write,  ///< Made and migrated if it is missing or old.
  read,   ///< Must exist; migrated only by those who write.
  save,   ///< Must exist, of whatever version; not migrated.
  fill,   ///< Made if it is missing, empty; not migrated.
};

struct database_access {
  std::unique_ptr<embedded_server> server;  ///< Null for a URL.
  std::string connection_string;
  std::filesystem::path data_directory;  ///< Empty for a URL.
};

/// The data directory of an "embedded:" URL; empty if `url` is a server's.
std::filesystem::path data_directory_of(const std::string& url);

/// The data directory or the server's URL, for messages: never with a password.
std::string shown_database(const settings& s);

/// database_unavailable, database_newer, data_directory, … An embedded server that is killed
/// meanwhile is started again.
result<database_access> open_database(const settings& s, database_use use);

/// How often what needs the database is tried while an embedded server dies and is started again,
/// and the pause after each: longer than a database_watch takes to notice.
constexpr int max_tries_with_database = 5;
constexpr std::chrono::milliseconds pause_between_tries{1500};

/// What `attempt` returns, a result<T>. An embedded server that dies (killed by hand, for want of
/// memory) is back within seconds: `attempt`, which must be safe to repeat, is then made again. A
/// server of the user's own is not waited for. Blocks.
template <class Attempt>
auto with_embedded_database(const settings& s, Attempt attempt) -> decltype(attempt()) {
  const bool embedded = !data_directory_of(s.database.url).empty();
  auto outcome = attempt();
  for (int tried = 1; embedded && !outcome && outcome.error().code == ec::database_unavailable &&
                      tried < max_tries_with_database;
       ++tried) {
    std::this_thread::sleep_for(pause_between_tries);
    outcome = attempt();
  }
  return outcome;
}

}  // namespace millrace
