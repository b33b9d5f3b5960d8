#include "app/node/database_access.hpp"

#include <spdlog/spdlog.h>

#include "runtime/database/migrations.hpp"
#include "runtime/database/supported_versions.hpp"

namespace millrace {

namespace {

constexpr std::string_view embedded_scheme = "embedded:";

result<void> bring_up_to_date(connection_pool& pool, database_use use, bool embedded) {
  auto connection = pool.acquire();
  if (!connection) return tl::unexpected<error>(connection.error());
  if (!embedded) {
    const auto warning = postgres::check_server_version((*connection)->server_version());
    if (!warning) return tl::unexpected<error>(warning.error());
    if (!warning->empty()) spdlog::warn("{}", *warning);
  }
  auto status = read_migration_status(**connection);
  if (!status) return tl::unexpected<error>(status.error());
  if (status->database_version > status->binary_version)
    return fail(ec::database_newer,
                "the database has schema version " + std::to_string(status->database_version) +
                    ", this millrace knows " + std::to_string(status->binary_version) +
                    "; use a newer millrace");
  if (status->pending.empty()) return {};
  if (use == database_use::read && status->database_version == 0)
    return fail(ec::data_directory, "there is no Millrace data yet; run `millrace run PATH` first");
  auto applied = migrate(**connection);
  if (!applied) return tl::unexpected<error>(applied.error());
  for (const auto& name : *applied) spdlog::debug("migration {} applied", name);
  return {};
}

}  // namespace

std::filesystem::path data_directory_of(const std::string& url) {
  if (!url.starts_with(embedded_scheme)) return {};
  const auto directory = url.substr(embedded_scheme.size());
  return directory.empty() ? default_data_directory() : std::filesystem::path{directory};
}

std::string shown_database(const settings& s) {
  if (const auto directory = data_directory_of(s.database.url); !directory.empty())
    return std::filesystem::absolute(directory).lexically_normal().string();
  const auto& url = s.database.url;
  const auto at = url.find('@');
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return "the database of database.url";
  const auto colon = url.find(':', scheme + 3);
  const auto shown =
      at != std::string::npos && colon < at ? url.substr(0, colon) + url.substr(at) : url;
  return shown.substr(0, shown.find('?'));  // options may hold a password too
}

namespace {

result<database_access> open_once(const settings& s, database_use use) {
  database_access access;
  access.data_directory = data_directory_of(s.database.url);
  if (access.data_directory.empty()) {
    access.connection_string = s.database.url;
  } else {
    auto server =
        embedded_server::open({.directory = access.data_directory,
                               .create = use == database_use::write || use == database_use::fill,
                               .holder_watch = "/proc/self/exe"});
    if (!server) return tl::unexpected<error>(server.error());
    access.server = std::move(*server);
    if (!access.server->warning().empty()) spdlog::warn("{}", access.server->warning());
    access.connection_string = access.server->connection_string();
  }
  if (use == database_use::save || use == database_use::fill) return access;
  connection_pool pool{access.connection_string, s.database, "millrace/start"};
  if (auto ready = bring_up_to_date(pool, use, access.server != nullptr); !ready) {
    auto problem = ready.error();
    if (problem.code == ec::database_unavailable && !access.server)
      problem.message = "the database " + shown_database(s) +
                        " cannot be reached: " + problem.message +
                        "; see database.url, and whether the server runs";
    return tl::unexpected<error>(std::move(problem));
  }
  return access;
}

}  // namespace

result<database_access> open_database(const settings& s, database_use use) {
  return with_embedded_database(s, [&] { return open_once(s, use); });
}

}  // namespace millrace
