#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_database.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// What to_error() makes of the exception that `sql` ends with.
error error_of(sql::connection& connection, const std::string& sql) {
  try {
    sql::work tx{connection};
    tx.exec(sql);
    tx.commit();
  } catch (...) {
    return to_error("test");
  }
  return {ec::none, "no error: " + sql};
}

TEST(database_error, a_connection_that_is_gone_is_said_to_be_lost) {
  for (const auto* words : {"Could not obtain client encoding: not connected",
                            "Lost connection to the database server."}) {
    error said;
    try {
      throw sql::broken_connection{words};
    } catch (...) {
      said = to_error("submit");
    }
    EXPECT_EQ(said.code, ec::database_unavailable);
    EXPECT_THAT(said.message, HasSubstr("submit: the connection to the database was lost"));
    EXPECT_THAT(said.message, HasSubstr("try again"));
  }
}

TEST(database_error, each_sqlstate_has_its_code) {
  struct expectation {
    const char* state;
    ec code;
  };
  constexpr expectation expectations[] = {
      {"53100", ec::disk_full},
      {"57014", ec::database_timeout},
      {"55P03", ec::database_timeout},
      {"25P03", ec::database_timeout},
      {"57P01", ec::database_unavailable},
      {"57P02", ec::database_unavailable},
      {"57P03", ec::database_unavailable},
      {"08006", ec::database_unavailable},
      {"25006", ec::database_unavailable},
      {"53300", ec::database_unavailable},
      {"40003", ec::database_unavailable},
      {"22021", ec::rejected_row},
      {"22P05", ec::rejected_row},
      {"23502", ec::rejected_row},
      {"23505", ec::rejected_row},
      {"54000", ec::rejected_row},
      {"40P01", ec::database_conflict},
      {"40001", ec::database_conflict},
      {"53200", ec::database_unavailable},
      {"53400", ec::database_unavailable},
      {"57000", ec::database_unavailable},
      {"55006", ec::database_unavailable},
      {"58030", ec::database_unavailable},
      {"XX001", ec::database_unavailable},
      {"42501", ec::database_unavailable},
      {"XX000", ec::database_error},
      {"P0001", ec::database_error},
  };
  test_database database{test_schema::empty};
  auto connection = database.connect();
  for (const auto& [state, code] : expectations) {
    const auto sql = std::string{"do $$ begin raise exception 'told so' using errcode = '"} +
                     state + "'; end $$";
    const auto problem = error_of(connection, sql);
    EXPECT_EQ(problem.code, code) << state << ": " << problem.message;
    EXPECT_THAT(problem.message, HasSubstr("test: ")) << state;
  }
}

TEST(database_error, a_balance_below_zero_is_a_lack_of_credits_and_no_other_check_is) {
  test_database database{test_schema::empty};
  database.execute(
      "create table account (credits int constraint account_balance_not_negative check (credits >= "
      "0), age int constraint account_age check (age > 0))");
  auto connection = database.connect();
  EXPECT_EQ(error_of(connection, "insert into account values (-1, 1)").code,
            ec::insufficient_credits);
  EXPECT_EQ(error_of(connection, "insert into account values (1, -1)").code, ec::rejected_row);
}

TEST(database_error, a_rejected_value_is_not_repeated) {
  test_database database{test_schema::empty};
  auto connection = database.connect();
  const auto problem = error_of(connection, "select 'somebody''s document'::integer");
  EXPECT_EQ(problem.code, ec::rejected_row);
  EXPECT_THAT(problem.message, HasSubstr("invalid input syntax for type integer"));
  EXPECT_THAT(problem.message, Not(HasSubstr("document")));
}

TEST(database_error, text_that_is_not_utf8_is_rejected) {
  test_database database{test_schema::empty};
  auto outcome = database.pool().transact(
      "test", [](sql::work& tx, pooled_connection&) -> result<std::string> {
        return tx.exec("select $1::text", sql::params{std::string{"\xFF\xFE"}})
            .one_row()[0]
            .as<std::string>();
      });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::rejected_row);
}

TEST(database_error, a_missing_table_points_to_migrations) {
  test_database database{test_schema::empty};
  auto connection = database.connect();
  const auto problem = error_of(connection, "select * from no_such_table");
  EXPECT_EQ(problem.code, ec::database_outdated);
  EXPECT_THAT(problem.message, HasSubstr("millrace db migrate"));
  EXPECT_THAT(problem.message, Not(HasSubstr("\n")));
}

TEST(database_error, a_session_lost_in_mid_transaction_is_unavailable) {
  test_database database{test_schema::empty};
  auto connection = database.connect();
  const auto problem = error_of(connection, "select pg_terminate_backend(pg_backend_pid())");
  EXPECT_EQ(problem.code, ec::database_unavailable) << problem.message;
}

TEST(database_error, other_exceptions_are_internal) {
  try {
    throw std::runtime_error{"a surprise"};
  } catch (...) {
    const auto problem = to_error("test");
    EXPECT_EQ(problem.code, ec::internal);
    EXPECT_EQ(problem.message, "test: a surprise");
  }
}

}  // namespace
}  // namespace millrace
