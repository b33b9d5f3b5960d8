// `millrace db monitor`: the operators' queries of sql/monitoring/, each with its heading.
#include <array>
#include <cstdio>

#include "app/cli/commands.hpp"
#include "app/cli/text.hpp"
#include "app/node/database_access.hpp"
#include "runtime/database/embedded_sql.hpp"
#include "runtime/http/json.hpp"

namespace millrace::cli {

namespace {

struct section {
  const char* name;  ///< sql/monitoring/NAME.sql, and the field in JSON.
  const char* heading;
  const char* when_empty;
};

constexpr std::array sections{
    section{"connections", "Connections to the server", "none"},
    section{"lock_waits", "Lock waits, longest first", "nobody waits for a lock"},
    section{"progress", "Datasets at work", "no dataset is being processed"},
    section{"errors", "Failed documents by code", "no document has failed"},
};

using table_rows = std::vector<std::vector<std::string>>;

/// The file's one statement, without the semicolon, so that it can stand inside of another.
std::string statement_of(const section& s) {
  auto text = embedded_sql("monitoring/" + std::string{s.name} + ".sql");
  if (const auto end = text.rfind(';'); end != std::string_view::npos) text = text.substr(0, end);
  return std::string{text};
}

table_rows read_rows(sql::work& tx, const section& s) {
  const auto found = tx.exec(statement_of(s));
  table_rows rows;
  if (found.empty()) return rows;
  auto& titles = rows.emplace_back();
  for (int i = 0; i < static_cast<int>(found.columns()); ++i)
    titles.emplace_back(found.column_name(i));
  for (const auto& row : found) {
    auto& cells = rows.emplace_back();
    for (const auto& field : row) cells.emplace_back(field.is_null() ? "-" : field.c_str());
  }
  return rows;
}

json::raw read_json(sql::work& tx, const section& s) {
  const auto row =
      tx.exec("select coalesce(json_agg(r), '[]') from (" + statement_of(s) + "\n) r").one_row();
  json::raw rows{row[0].as<std::string>()};
  std::erase(rows.text, '\n');  // json_agg puts each row on a line of its own
  return rows;
}

/// The sections one after the other, in one transaction.
result<std::string> monitor(connection_pool& pool, bool as_json) {
  return pool.transact("monitor", [&](sql::work& tx, pooled_connection&) -> result<std::string> {
    json::writer object;
    std::string text;
    object.begin_object();
    for (const auto& s : sections) {
      if (as_json) {
        object.field(s.name, read_json(tx, s));
        continue;
      }
      const auto rows = read_rows(tx, s);
      text += std::string{text.empty() ? "" : "\n"} + s.heading + "\n";
      text += rows.empty() ? std::string{s.when_empty} + "\n" : table(rows);
    }
    object.end_object();
    return as_json ? object.take() + "\n" : text;
  });
}

}  // namespace

int db_monitor(const global_options& global) {
  const auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  const auto database = open_database(*loaded, database_use::read);
  if (!database) return report(database.error());
  connection_pool pool{database->connection_string, loaded->database, "millrace/monitor"};
  const auto shown = monitor(pool, global.json);
  if (!shown) return report(shown.error());
  std::fputs(shown->c_str(), stdout);
  return static_cast<int>(exit::ok);
}

}  // namespace millrace::cli
