// `millrace db upgrade`: the embedded database to a newer major version of PostgreSQL.
#include <cstdio>

#include "app/cli/commands.hpp"
#include "app/cli/signals.hpp"
#include "app/node/database_access.hpp"
#include "runtime/database/embedded/major_upgrade.hpp"
#include "runtime/http/json.hpp"

namespace millrace::cli {

int db_upgrade(const global_options& global, int version) {
  const auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  const auto directory = data_directory_of(loaded->database.url);
  if (directory.empty())
    return report({ec::invalid_argument,
                   "database.url names a server of your own, which its package upgrades; "
                   "`millrace db upgrade` is for the embedded database"});
  const auto wanted = version == 0 ? std::optional<int>{} : version;
  const auto done = upgrade_database(directory, wanted, stop_asked);
  if (!done && done.error().code == ec::cancelled) {
    std::fprintf(stderr, "millrace: stopped; the database is as it was\n");
    return static_cast<int>(exit::error);
  }
  if (!done) return report(done.error());
  if (global.json) {
    json::writer out;
    out.begin_object()
        .field("data_directory", directory.native())
        .field("from", done->from)
        .field("to", done->to)
        .end_object();
    std::printf("%s\n", out.take().c_str());
  } else if (done->from == done->to) {
    std::printf("%s is of PostgreSQL %d already\n", directory.c_str(), done->to);
  } else {
    std::printf("%s is of PostgreSQL %d now; it was of %d\n", directory.c_str(), done->to,
                done->from);
  }
  return static_cast<int>(exit::ok);
}

}  // namespace millrace::cli
