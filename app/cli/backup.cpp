// `millrace db backup FILE` and `millrace db restore FILE`: the database into a file and back.
#include "runtime/database/backup.hpp"

#include <cstdio>

#include "app/cli/commands.hpp"
#include "app/cli/signals.hpp"
#include "app/cli/text.hpp"
#include "app/node/database_access.hpp"
#include "runtime/http/json.hpp"

namespace millrace::cli {

namespace {

using clock = std::chrono::steady_clock;

bool stop_asked() {
  return wait_for_stop_signal(std::chrono::milliseconds{0}) != 0;
}

double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>(clock::now() - start).count();
}

/// A line of text, or an object, about a file that was written or read.
int say(const global_options& global, const char* done, const std::string& file,
        std::uint64_t bytes, double seconds) {
  if (global.json) {
    json::writer out;
    out.begin_object()
        .field("file", file)
        .field("bytes", bytes)
        .field("seconds", seconds)
        .end_object();
    std::printf("%s\n", out.take().c_str());
  } else {
    std::printf("%s %s: %.2f MiB in %.1f s\n", done, file.c_str(),
                static_cast<double>(bytes) / (1 << 20), seconds);
  }
  return static_cast<int>(exit::ok);
}

/// An interrupted command has left nothing behind; that is said, not reported as an error.
int end_with(const error& e, const char* nothing_left) {
  if (e.code != ec::cancelled) return report(e);
  std::fprintf(stderr, "millrace: stopped; %s\n", nothing_left);
  return static_cast<int>(exit::error);
}

/// Both work on the database itself, which a node's API does not give away.
result<void> check_place(const global_options& global) {
  if (global.endpoint.empty()) return {};
  return fail(ec::invalid_argument,
              "a backup is not made through a node's API: leave --endpoint (and MILLRACE_ENDPOINT) "
              "out, and name the database with --data or --config");
}

}  // namespace

int db_backup(const global_options& global, const std::string& file) {
  if (auto place = check_place(global); !place) return report(place.error());
  const auto start = clock::now();
  const auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  const auto database = open_database(*loaded, database_use::save);
  if (!database) return report(database.error());
  const auto bytes = back_up(database->connection_string, file, stop_asked);
  if (!bytes) return end_with(bytes.error(), "no backup was written");
  return say(global, "saved in", file, *bytes, seconds_since(start));
}

int db_restore(const global_options& global, const std::string& file, bool as_copy) {
  if (auto place = check_place(global); !place) return report(place.error());
  const auto start = clock::now();
  const auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  // Before a database is made for a file that cannot fill it.
  if (auto usable = check_backup(file); !usable) return report(usable.error());
  const auto database = open_database(*loaded, database_use::fill);
  if (!database) return report(database.error());
  const auto filled = restore(database->connection_string, file,
                              as_copy ? identity::fresh : identity::kept, stop_asked);
  if (!filled) return end_with(filled.error(), "the database is empty as before");
  std::error_code ignored;
  const auto bytes = std::filesystem::file_size(file, ignored);
  return say(global, "restored from", file, ignored ? 0 : bytes, seconds_since(start));
}

}  // namespace millrace::cli
