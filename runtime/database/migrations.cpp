#include "runtime/database/migrations.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "runtime/core/blocking.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/database/embedded_sql.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

namespace {

constexpr std::string_view folder = "migrations/";

/// Two processes that migrate at once take turns. Any number that nobody else uses: "millrace" in
/// ASCII.
constexpr const char* begin_turn = R"sql(
  set local lock_timeout = '60s';
  set local statement_timeout = '10min';
  select pg_advisory_xact_lock(7883951835720016741);
  create table if not exists schema_migrations (
    version     integer primary key,
    name        text not null,
    checksum    text not null,
    applied_at  timestamptz not null default now()
  );
)sql";

constexpr const char* table_exists = "select to_regclass('schema_migrations') is not null";

constexpr const char* list_applied =
    "select version, name, checksum from schema_migrations order by version";

constexpr const char* record =
    "insert into schema_migrations (version, name, checksum) values ($1, $2, $3)";

struct applied_migration {
  std::string name;
  std::string checksum;
};

using applied_migrations = std::map<int, applied_migration>;

/// "migrations/0001_core.sql" as version 1, "core".
migration parse(const sql_file& file) {
  auto name = file.path.substr(folder.size());
  name.remove_suffix(std::string_view{".sql"}.size());
  migration m;
  const auto digits = std::from_chars(name.data(), name.data() + name.size(), m.version);
  name.remove_prefix(static_cast<std::size_t>(digits.ptr - name.data()));
  if (name.starts_with('_')) name.remove_prefix(1);
  m.name = name;
  m.sql = file.text;
  return m;
}

std::vector<migration> load_known() {
  std::vector<migration> known;
  for (const auto& file : embedded_sql_files())
    if (file.path.starts_with(folder)) known.push_back(parse(file));
  std::sort(known.begin(), known.end(),
            [](const migration& a, const migration& b) { return a.version < b.version; });
  return known;
}

std::string display_name(const migration& m) {
  return std::to_string(m.version) + " " + m.name;
}

applied_migrations read_applied(sql::transaction& tx) {
  applied_migrations applied;
  for (const auto& row : tx.exec(list_applied))
    applied[row[0].as<int>()] = {row[1].as<std::string>(), row[2].as<std::string>()};
  return applied;
}

/// Whether what was applied is what this binary would apply.
result<void> check(const applied_migrations& applied, const std::vector<migration>& known) {
  const auto newest_known = known.empty() ? 0 : known.back().version;
  for (const auto& [version, found] : applied) {
    if (version > newest_known)
      return fail(ec::database_newer, "the database has schema version " + std::to_string(version) +
                                          " (" + found.name + "), this program knows up to " +
                                          std::to_string(newest_known) +
                                          "; use a newer millrace with this database");
    const auto same = std::find_if(known.begin(), known.end(),
                                   [&](const migration& m) { return m.version == version; });
    if (same == known.end() || sha256_hex(same->sql) != found.checksum)
      return fail(ec::database_error,
                  "migration " + std::to_string(version) + " (" + found.name +
                      ") was applied with a different text than this program's; the database was "
                      "made by another build: use that one, or a new database");
  }
  return {};
}

/// Applies the first migration that is missing, in a transaction of its own; none where nothing is
/// missing.
result<std::optional<std::string>> apply_next(sql::connection& connection) {
  auto doing = std::string{"migrating the database"};
  try {
    sql::work tx{connection};
    tx.exec(begin_turn);
    const auto applied = read_applied(tx);
    const auto& known = known_migrations();
    if (auto checked = check(applied, known); !checked) return tl::unexpected(checked.error());
    const auto next = std::find_if(known.begin(), known.end(), [&](const migration& m) {
      return !applied.contains(m.version);
    });
    if (next == known.end()) {
      tx.commit();
      return std::nullopt;
    }
    doing = "migration " + display_name(*next);
    tx.exec(next->sql);
    tx.exec(record, sql::params{next->version, next->name, sha256_hex(next->sql)}).no_rows();
    tx.commit();
    return display_name(*next);
  } catch (...) {
    return tl::unexpected(to_error(doing.c_str()));
  }
}

}  // namespace

const std::vector<migration>& known_migrations() {
  static const auto known = load_known();
  return known;
}

result<migration_status> read_migration_status(sql::connection& connection) {
  assert_may_block("read_migration_status");
  try {
    sql::read_transaction tx{connection};
    applied_migrations applied;
    if (tx.exec(table_exists).one_row()[0].as<bool>()) applied = read_applied(tx);
    migration_status status;
    if (!applied.empty()) status.database_version = applied.rbegin()->first;
    for (const auto& m : known_migrations()) {
      status.binary_version = m.version;
      if (!applied.contains(m.version)) status.pending.push_back(display_name(m));
    }
    return status;
  } catch (...) {
    return tl::unexpected(to_error("reading the schema version"));
  }
}

result<std::vector<std::string>> migrate(sql::connection& connection) {
  assert_may_block("migrate");
  std::vector<std::string> applied;
  while (true) {  // ends: each turn applies one of finitely many
    auto next = apply_next(connection);
    if (!next) return tl::unexpected(next.error());
    if (!*next) return applied;
    applied.push_back(**next);
  }
}

}  // namespace millrace
