#include "tests/support/test_database.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "runtime/database/embedded/process.hpp"
#include "runtime/database/migrations.hpp"
#include "tests/support/temporary_directory.hpp"

/// Asked by LeakSanitizer. libpqxx of Debian 12 loses the PGresult (about 1 KiB) of a statement
/// that finds its connection dead; nothing that its callers could free.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libpqxx";
}

namespace millrace {

namespace {

constexpr const char* template_name = "millrace_template";

[[noreturn]] void give_up(const error& problem) {
  std::fprintf(stderr, "test_database: %s: %s\n", std::string{to_string(problem.code)}.c_str(),
               problem.message.c_str());
  std::abort();
}

/// What a killed test executable leaves is cleared away by this script, which waits for the end of
/// its input: the other end of that pipe closes with the executable, however it ends.
constexpr const char* guardian_script = R"sh(
  cat > /dev/null
  pid=$(head -n 1 "$1/data/postgres/postmaster.pid" 2> /dev/null) && kill -QUIT "$pid" 2> /dev/null
  for i in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$1" "$2" 2> /dev/null && break
    sleep 1
  done
)sh";

/// Directory, server and guardian of this executable.
class server_of_tests {
 public:
  server_of_tests() {
    auto opened = embedded_server::open(
        {.directory = directory_.path() / "data", .max_connections = 200, .fsync = false});
    if (!opened) give_up(opened.error());
    server_ = std::move(*opened);
    start_guardian();
    make_template();
  }

  embedded_server& server() { return *server_; }

  /// Of another database of this server.
  std::string connection_string(const std::string& database) const {
    return "host=" + server_->socket_directory().string() +
           " port=5432 user=millrace dbname=" + database;
  }

 private:
  void start_guardian() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;  // tests work without
    postgres::program guardian{.arguments = {"/bin/sh", "-c", guardian_script, "sh",
                                             directory_.path(), server_->socket_directory()},
                               .environment = {"PATH=/usr/bin:/bin"}};
    const auto started = postgres::start_daemon(guardian, ends[0], -1);
    ::close(ends[0]);
    guarded_ = unique_fd{ends[1]};
    if (!started) guarded_.reset();
  }

  void make_template() {
    {
      sql::connection connection{server_->connection_string()};
      sql::nontransaction{connection}.exec(std::string{"create database "} + template_name);
    }
    sql::connection connection{connection_string(template_name)};
    if (auto migrated = migrate(connection); !migrated) give_up(migrated.error());
  }

  unique_fd guarded_;  ///< Closed last, when nothing is left for the guardian.
  temporary_directory directory_;
  std::unique_ptr<embedded_server> server_;
};

std::optional<server_of_tests>& instance() {
  static std::optional<server_of_tests> server;
  return server;
}

server_of_tests& running() {
  if (!instance()) instance().emplace();
  return *instance();
}

class stop_at_the_end : public ::testing::Environment {
 public:
  void TearDown() override { instance().reset(); }
};

const auto* const environment = ::testing::AddGlobalTestEnvironment(new stop_at_the_end);

void run_outside(const std::string& sql) {
  sql::connection connection{running().server().connection_string()};
  sql::nontransaction{connection}.exec(sql);
}

std::string next_name() {
  static int number = 0;
  return "test_" + std::to_string(++number);
}

}  // namespace

embedded_server& test_server() {
  return running().server();
}

test_database::test_database(test_schema schema, database_settings s)
    : name_{next_name()}, connection_string_{running().connection_string(name_)} {
  run_outside("create database " + name_ + " template " +
              (schema == test_schema::migrated ? template_name : "template1"));
  pool_ = std::make_unique<connection_pool>(connection_string_, std::move(s), "millrace/test");
}

test_database::~test_database() {
  pool_.reset();
  try {
    run_outside("drop database " + name_ + " with (force)");
  } catch (const std::exception& e) {
    std::fprintf(stderr, "test_database: %s\n", e.what());  // it goes with the server
  }
}

std::string test_database::query(const std::string& sql) const {
  auto connection = connect();
  sql::read_transaction tx{connection};
  const auto value = tx.exec(sql).one_row()[0];
  return value.is_null() ? "" : value.as<std::string>();
}

void test_database::execute(const std::string& sql) const {
  auto connection = connect();
  sql::work tx{connection};
  tx.exec(sql);
  tx.commit();
}

}  // namespace millrace
