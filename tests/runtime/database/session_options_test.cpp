#include "runtime/database/session_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_database.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string completed(const std::string& connection_string) {
  return session_connection_string(connection_string, {}, "millrace/test").value();
}

TEST(session_options, a_url_and_keywords_become_the_same) {
  EXPECT_EQ(completed("postgresql://u:p%27w@db.example:5433/d"),
            completed(R"(host=db.example port=5433 user=u password='p\'w' dbname=d)"));
}

TEST(session_options, what_the_url_sets_wins) {
  const auto options =
      completed("postgresql:///d?connect_timeout=3&application_name=mine&options=-c%20jit%3Doff");
  EXPECT_THAT(options, HasSubstr("connect_timeout='3'"));
  EXPECT_THAT(options, HasSubstr("application_name='mine'"));
  EXPECT_THAT(options, HasSubstr("lock_timeout=10000"));
  EXPECT_THAT(options, HasSubstr("jit=off'"));
}

TEST(session_options, a_server_that_says_nothing_more_is_given_up) {
  const auto options = completed("postgresql:///d");
  EXPECT_THAT(options, HasSubstr("connect_timeout='10'"));
  EXPECT_THAT(options, HasSubstr("tcp_user_timeout='10000'"));
  EXPECT_THAT(options, HasSubstr("keepalives_idle='30'"));
  EXPECT_THAT(options, HasSubstr("keepalives_interval='10'"));
  EXPECT_THAT(options, HasSubstr("keepalives_count='5'"));
}

TEST(session_options, a_wrong_url_is_refused_without_repeating_its_password) {
  const auto outcome =
      session_connection_string("postgresql://u:secret@host/d?secret=1", {}, "millrace/test");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::invalid_config);
  EXPECT_THAT(outcome.error().message, Not(HasSubstr("secret")));
}

TEST(session_options, every_session_has_its_bounds) {
  database_settings s;
  s.statement_timeout = std::chrono::seconds{7};
  s.lock_timeout = std::chrono::milliseconds{1500};
  test_database database{test_schema::empty, s};
  const auto show = [&](const std::string& name) {
    return database.pool()
        .transact("test",
                  [&](sql::work& tx, pooled_connection&) -> result<std::string> {
                    return tx.exec("show " + name).one_row()[0].as<std::string>();
                  })
        .value();
  };
  EXPECT_EQ(show("statement_timeout"), "7s");
  EXPECT_EQ(show("lock_timeout"), "1500ms");
  EXPECT_EQ(show("idle_in_transaction_session_timeout"), "2s");
  EXPECT_EQ(show("application_name"), "millrace/test");
  EXPECT_EQ(show("client_encoding"), "UTF8");
}

TEST(session_options, a_prepared_statement_is_planned_once_unless_the_transaction_asks_for_values) {
  test_database database{test_schema::empty};
  const auto custom_plans = [&](const std::string& first) {
    return database.pool()
        .transact("test",
                  [&](sql::work& tx, pooled_connection& c) -> result<std::int64_t> {
                    tx.exec(first).no_rows();
                    c.prepare("look", "select from pg_class where oid = $1::oid");
                    tx.exec(sql::prepared{"look"}, sql::params{1});
                    return tx
                        .exec("select custom_plans from pg_prepared_statements where name = 'look'")
                        .one_row()[0]
                        .as<std::int64_t>();
                  })
        .value();
  };
  EXPECT_EQ(custom_plans("set local jit = off"), 0);
  EXPECT_EQ(custom_plans(plan_for_values_sql), 1);
  EXPECT_EQ(custom_plans("set local jit = off"), 1);
}

}  // namespace
}  // namespace millrace
