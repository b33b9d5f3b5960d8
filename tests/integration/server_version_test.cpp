// A server of the user's own that is too old or too new, as far as it says.
#include <gmock/gmock.h>

#include "runtime/database/embedded/embedded_server.hpp"
#include "runtime/database/sql.hpp"
#include "tests/integration/workspace.hpp"
#include "tests/support/statement_gate.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class server_version : public ::testing::Test {
 protected:
  void SetUp() override {
    server = *embedded_server::open({.directory = w.data(), .fsync = false});
    gate = std::make_unique<statement_gate>(server->socket_directory());
    const auto config =
        w.add_config("[database]\nurl = \"postgresql:///millrace?user=millrace&host=" +
                     gate->directory().native() + "\"\n");
    command = {"db", "migrate", "--config", config};
  }
  outcome told(const std::string& version) {
    gate->say_version(version);
    w.environment["MILLRACE_DATA"] = "";
    auto ended = w.run(command);
    w.environment["MILLRACE_DATA"] = w.data().native();
    return ended;
  }

  workspace w;
  std::unique_ptr<embedded_server> server;
  std::unique_ptr<statement_gate> gate;
  std::vector<std::string> command;
};

TEST_F(server_version, that_is_too_old_is_refused_by_name_and_changes_nothing) {
  const auto ended = told("14.9 (Debian 14.9-1)");
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, HasSubstr("the server is PostgreSQL 14, and millrace needs one of 15 to "
                                   "18; upgrade the server"));
  sql::connection connection{server->connection_string()};
  EXPECT_TRUE(sql::nontransaction{connection}
                  .exec("select from pg_tables where schemaname = 'public'")
                  .empty());
}

TEST_F(server_version, that_is_too_old_is_not_filled_either) {
  const workspace other;
  ASSERT_EQ(other.run({"db", "migrate"}).exit_code, 0);
  const auto file = (other.path() / "dump").native();
  ASSERT_EQ(other.run({"db", "backup", file}).exit_code, 0);
  command = {"db", "restore", file, "--config", command.back()};
  const auto ended = told("14.9");
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, HasSubstr("the server is PostgreSQL 14"));
}

TEST_F(server_version, that_is_newer_than_all_that_are_tested_is_used_with_a_warning) {
  const auto ended = told("19beta1");
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("PostgreSQL 19, which is newer than"));
}

TEST_F(server_version, that_is_tested_is_used_without_a_word) {
  for (const auto* version : {"15.6", "16.2", "17.5 (Debian 17.5-1)", "18.0"}) {
    const auto ended = told(version);
    EXPECT_EQ(ended.exit_code, 0) << version << ": " << ended.err;
    EXPECT_THAT(ended.err, Not(HasSubstr("newer"))) << version;
  }
}

}  // namespace
}  // namespace millrace
