// The seam to libpqxx: the same on every version that it is built with.
#include "runtime/database/sql.hpp"

#include <optional>

#include <gtest/gtest.h>

#include "tests/support/test_database.hpp"

namespace millrace {
namespace {

using namespace std::string_literals;

class sql_test : public ::testing::Test {
 protected:
  test_database database{test_schema::empty};
  sql::connection session{database.connection_string()};
};

TEST_F(sql_test, values_arrive_as_they_were_in_order) {
  sql::work tx{session};
  const std::string text = "quote ' back\\slash \xC3\xA9";
  const auto binary = "\0\xFF\\x"s;
  const auto row = tx.exec(
                         "select $1::bigint, $2::int, $3::text, $4::bytea, $5::bigint, $6::bool, "
                         "$7::text, $8::float8, $9::bigint",
                         sql::params{std::int64_t{-9'000'000'000}, 7, text, sql::bytes{binary},
                                     std::optional<std::int64_t>{}, true, "literal", -0.125,
                                     std::optional<std::int64_t>{5}})
                       .one_row();
  EXPECT_EQ(row[0].as<std::int64_t>(), -9'000'000'000);
  EXPECT_EQ(row[1].as<int>(), 7);
  EXPECT_EQ(row[2].as<std::string>(), text);
  EXPECT_EQ(sql::content_of(row[3]), binary);
  EXPECT_TRUE(row[4].is_null());
  EXPECT_TRUE(row[5].as<bool>());
  EXPECT_STREQ(row[6].c_str(), "literal");
  EXPECT_EQ(row[7].as<double>(), -0.125);
  EXPECT_EQ(row[8].as<std::int64_t>(), 5);
}

TEST_F(sql_test, a_prepared_statement_is_run_by_its_name) {
  session.prepare("twice", "select 2 * $1::bigint, $2::bytea");
  session.prepare("seven", "select 7");
  sql::nontransaction tx{session};
  const auto row = tx.exec(sql::prepared{"twice"}, sql::params{21, sql::bytes{"\0"s}}).one_row();
  EXPECT_EQ(row[0].as<int>(), 42);
  EXPECT_EQ(sql::content_of(row[1]), "\0"s);
  EXPECT_EQ(tx.exec(sql::prepared{"seven"}).one_row()[0].as<int>(), 7);
}

TEST_F(sql_test, a_number_of_rows_that_was_not_expected_is_an_error) {
  sql::nontransaction tx{session};
  EXPECT_EQ(tx.exec("select generate_series(1, 3)").affected_rows(), 3U);
  EXPECT_THROW(tx.exec("select generate_series(1, 3)").one_row(), std::exception);
  EXPECT_THROW(tx.exec("select 1 where false").one_row(), std::exception);
  EXPECT_THROW(tx.exec("select 1").no_rows(), std::exception);
  EXPECT_NO_THROW(tx.exec("select 1 where false").no_rows());
}

TEST_F(sql_test, without_commit_nothing_has_happened) {
  database.execute("create table t (n int)");
  for (const bool commits : {false, true}) {
    sql::work tx{session};
    tx.exec("insert into t values (1)").no_rows();
    if (commits) tx.commit();
  }
  EXPECT_EQ(database.query("select count(*) from t"), "1");
}

TEST_F(sql_test, a_snapshot_does_not_see_what_comes_after_it) {
  database.execute("create table t (n int)");
  sql::repeatable_read tx{session};
  EXPECT_EQ(tx.exec("select count(*) from t").one_row()[0].as<int>(), 0);
  database.execute("insert into t values (1)");
  EXPECT_EQ(tx.exec("select count(*) from t").one_row()[0].as<int>(), 0);
}

TEST_F(sql_test, a_read_transaction_writes_nothing) {
  database.execute("create table t (n int)");
  sql::read_transaction tx{session};
  EXPECT_THROW(tx.exec("insert into t values (1)"), sql::statement_error);
}

TEST_F(sql_test, rows_are_copied_in_with_nulls_and_signs_that_copy_reads_itself) {
  database.execute("create table t (words text, n bigint, more text)");
  const std::string words = "tab\t newline\n back\\slash \\N \\.";
  sql::work tx{session};
  sql::copy_in copy{tx, "t"};
  copy.row(words, std::int64_t{1}, std::optional<std::string>{});
  copy.row(std::string{}, std::int64_t{-2}, std::optional<std::string>{"x"});
  copy.complete();
  const auto rows = tx.exec("select words, n, more from t order by n desc");
  tx.commit();
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0][0].as<std::string>(), words);
  EXPECT_TRUE(rows[0][2].is_null());
  EXPECT_EQ(rows[1][0].as<std::string>(), "");
  EXPECT_EQ(rows[1][1].as<std::int64_t>(), -2);
}

TEST_F(sql_test, the_server_says_why_it_refused) {
  database.execute("create table t (n int check (n > 0))");
  sql::nontransaction tx{session};
  EXPECT_THROW(tx.exec("insert into t values (-1)"), sql::check_violation);
  try {
    tx.exec("select 1 / 0");
    FAIL();
  } catch (const sql::statement_error& e) {
    EXPECT_EQ(e.sqlstate(), "22012");
  }
}

TEST_F(sql_test, a_notification_is_heard_once_and_silence_has_an_end) {
  sql::notification_listener listener{session, "news"};
  EXPECT_FALSE(listener.wait(std::chrono::microseconds{0}));
  EXPECT_FALSE(listener.wait(std::chrono::milliseconds{20}));
  database.execute("notify news");
  database.execute("notify other_news");
  EXPECT_TRUE(listener.wait(std::chrono::seconds{60}));
  EXPECT_FALSE(listener.wait(std::chrono::microseconds{0}));
}

TEST_F(sql_test, a_session_goes_on_without_its_listener) {
  { const sql::notification_listener listener{session, "news"}; }
  sql::notification_listener other{session, "other_news"};
  database.execute("notify news");
  database.execute("notify other_news");
  EXPECT_TRUE(other.wait(std::chrono::seconds{60}));
  EXPECT_EQ(sql::nontransaction{session}
                .exec("select pg_listening_channels()")
                .one_row()[0]
                .as<std::string>(),
            "other_news");
}

TEST_F(sql_test, no_bytes_are_not_empty_bytes) {
  sql::nontransaction tx{session};
  EXPECT_EQ(sql::content_of(tx.exec("select ''::bytea").one_row()[0]), "");
  EXPECT_ANY_THROW(sql::content_of(tx.exec("select null::bytea").one_row()[0]));
}

TEST_F(sql_test, a_session_that_was_lost_stays_lost) {
  const auto end_it =
      "select pg_terminate_backend(" +
      sql::nontransaction{session}.exec("select pg_backend_pid()").one_row()[0].as<std::string>() +
      ", 60000)";
  database.query(end_it);
  EXPECT_THROW(sql::nontransaction{session}.exec("select 1"), sql::failure);
  EXPECT_THROW(sql::nontransaction{session}.exec("select 1"), sql::failure);
  sql::connection listening{database.connection_string()};
  sql::notification_listener listener{listening, "news"};
  database.query(
      "select pg_terminate_backend(pid, 60000) from pg_stat_activity where query = 'LISTEN "
      "\"news\"'");
  EXPECT_THROW(while (!listener.wait(std::chrono::seconds{1})){}, sql::failure);
}

}  // namespace
}  // namespace millrace
