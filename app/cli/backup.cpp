// `millrace db backup FILE` and `millrace db restore FILE`: the database into a file and back.
#include "runtime/database/backup.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "app/cli/commands.hpp"
#include "app/cli/signals.hpp"
#include "app/cli/text.hpp"
#include "app/node/database_access.hpp"
#include "runtime/database/disk_lookup.hpp"
#include "runtime/database/partial_file.hpp"
#include "runtime/http/json.hpp"

namespace millrace::cli {

namespace {

using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>(clock::now() - start).count();
}

/// What a command did to a file, for people and for programs.
struct transfer_report {
  std::string done;  ///< "saved in FILE"
  std::string file;
  std::string target;  ///< The database that was filled; empty if it was the source.
  std::uint64_t bytes = 0;
  double seconds = 0;
};

int say(const global_options& global, const transfer_report& r) {
  if (!global.json) {
    std::printf("%s: %.2f MiB in %.1f s\n", r.done.c_str(),
                static_cast<double>(r.bytes) / (1 << 20), r.seconds);
    return static_cast<int>(exit::ok);
  }
  json::writer out;
  out.begin_object().field("file", r.file);
  if (!r.target.empty()) out.field("target", r.target);
  out.field("bytes", r.bytes).field("seconds", r.seconds).end_object();
  std::printf("%s\n", out.take().c_str());
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

/// Names that a directory without a database may hold: what killed first starts and nodes left,
/// what is restored along with a backup, and the folder at the root of every ext4 file system.
bool may_be_in_a_target(const std::string& name) {
  constexpr std::array known = {"postgres.log", "postgres.log.1", "start.lock", "holders.lock",
                                "watch.lock",   "uploads",        "links",      "lost+found"};
  return std::find(known.begin(), known.end(), std::string_view{name}) != known.end() ||
         name.starts_with("postgres.new-") ||
         (name.starts_with("node-") && name.ends_with(".lock"));
}

/// A mistyped --data must not put a database among somebody's files.
result<void> check_target(const settings& s) {
  constexpr std::size_t shown = 3;
  const auto directory = data_directory_of(s.database.url);
  std::error_code ignored;
  if (directory.empty() || std::filesystem::exists(directory / "postgres", ignored)) return {};
  auto names = postgres::names_in(directory);
  if (!names) return tl::unexpected(names.error());
  std::erase_if(*names, may_be_in_a_target);
  if (names->empty()) return {};
  std::sort(names->begin(), names->end());
  std::string listed;
  for (std::size_t i = 0; i < std::min(names->size(), shown); ++i)
    listed += (i == 0 ? "" : ", ") + one_line((*names)[i], 80);
  if (names->size() > shown) listed += " and " + std::to_string(names->size() - shown) + " more";
  return fail(
      ec::invalid_argument,
      shown_database(s) + " holds other files (" + listed +
          ") and no database; nothing was restored: give --data a new or an empty directory");
}

}  // namespace

int db_backup(const global_options& global, const std::string& file) {
  if (auto place = check_place(global); !place) return report(place.error());
  // Before a database is started for a file that cannot be written.
  if (auto is_new = check_new_file(file); !is_new) return report(is_new.error());
  const auto start = clock::now();
  const auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  const auto database = open_database(*loaded, database_use::save);
  if (!database) return report(database.error());
  const auto bytes = back_up(database->connection_string, file, stop_asked);
  if (!bytes) return end_with(bytes.error(), "no backup was written");
  return say(global, {"saved in " + file, file, {}, *bytes, seconds_since(start)});
}

int db_restore(const global_options& global, const std::string& file, bool as_copy) {
  if (auto place = check_place(global); !place) return report(place.error());
  const auto start = clock::now();
  const auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  // Before a database is made for a file that cannot fill it.
  if (auto usable = check_backup(file); !usable) return report(usable.error());
  if (auto fits = check_target(*loaded); !fits) return report(fits.error());
  const auto database = open_database(*loaded, database_use::fill);
  if (!database) return report(database.error());
  const auto filled = restore(database->connection_string, file,
                              as_copy ? identity::fresh : identity::kept, stop_asked);
  if (!filled) return end_with(filled.error(), "the database is empty as before");
  std::error_code ignored;
  const auto bytes = std::filesystem::file_size(file, ignored);
  const auto target = shown_database(*loaded);
  return say(global, {"restored " + file + " into " + target, file, target, ignored ? 0 : bytes,
                      seconds_since(start)});
}

}  // namespace millrace::cli
