// `millrace config …` and `millrace db …`
#include <cstdio>
#include <cstring>

#include <unistd.h>

#include "app/cli/commands.hpp"
#include "app/cli/foreground.hpp"
#include "app/node/database_access.hpp"
#include "config/load.hpp"
#include "runtime/database/migrations.hpp"
#include "runtime/http/json.hpp"

namespace millrace::cli {

int config_check(const global_options& global, const std::string& file) {
  auto options = global;
  if (!file.empty()) options.config_file = file;
  const auto loaded = load(options);
  if (!loaded) return report(loaded.error());
  const auto name = options.config_file.empty() ? std::string{"the built-in configuration"}
                                                : options.config_file.native();
  if (global.json)
    std::printf("{\"ok\":true}\n");
  else
    std::printf("%s: ok\n", name.c_str());
  return static_cast<int>(exit::ok);
}

int config_show(const global_options& global) {
  const auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  std::fputs(
      (global.json ? render_settings_json(*loaded) + "\n" : render_settings(*loaded)).c_str(),
      stdout);
  return static_cast<int>(exit::ok);
}

int db_migrate(const global_options& global) {
  const auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  const auto database = open_database(*loaded, database_use::write);
  if (!database) return report(database.error());
  return db_status(global);
}

int db_status(const global_options& global) {
  const auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  const auto database = open_database(*loaded, database_use::read);
  if (!database) return report(database.error());
  connection_pool pool{database->connection_string, loaded->database, "millrace/command"};
  auto connection = pool.acquire();
  if (!connection) return report(connection.error());
  const auto status = read_migration_status(**connection);
  if (!status) return report(status.error());
  if (global.json) {
    json::writer out;
    out.begin_object()
        .field("database_version", status->database_version)
        .field("binary_version", status->binary_version)
        .field("pending", status->pending)
        .field("data_directory", database->data_directory.native())
        .end_object();
    std::printf("%s\n", out.take().c_str());
    return static_cast<int>(exit::ok);
  }
  std::printf("schema      version %d of %d, %zu migrations pending\n", status->database_version,
              status->binary_version, status->pending.size());
  if (database->server)
    std::printf("data        %s (embedded PostgreSQL%s)\n", database->data_directory.c_str(),
                database->server->adopted() ? ", running" : "");
  return static_cast<int>(exit::ok);
}

int db_psql(const global_options& global, const std::vector<std::string>& arguments) {
  const auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  const auto database = open_database(*loaded, database_use::read);
  if (!database) return report(database.error());
  // psql runs as a child: the embedded server stays up as long as this process holds it.
  std::vector<std::string> words{"psql", "-d", database->connection_string};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  const auto code = run_in_foreground(argv);
  if (!code) return report(code.error());
  return *code;
}

}  // namespace millrace::cli
