#include "runtime/database/migrations.hpp"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/database/embedded_sql.hpp"
#include "tests/support/test_database.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(migrations, versions_are_unique_and_count_from_1) {
  auto expected = 1;
  for (const auto& m : known_migrations()) {
    EXPECT_EQ(m.version, expected++) << m.name;
    EXPECT_FALSE(m.name.empty());
    EXPECT_FALSE(m.sql.empty()) << m.name;
  }
  EXPECT_GT(expected, 1);
}

TEST(migrations, a_compiled_in_file_is_found_by_its_path) {
  const auto& first = known_migrations().front();
  const auto files = embedded_sql_files();
  EXPECT_EQ(embedded_sql(files.front().path), files.front().text);
  EXPECT_THAT(std::string{embedded_sql("migrations/0001_" + first.name + ".sql")},
              HasSubstr("create table"));
  EXPECT_EQ(embedded_sql("no/such/file.sql"), "");
}

TEST(migrations, an_empty_database_is_brought_to_the_newest_version_once) {
  test_database database{test_schema::empty};
  auto connection = database.connect();
  auto before = read_migration_status(connection);
  ASSERT_TRUE(before);
  EXPECT_EQ(before->database_version, 0);
  EXPECT_THAT(before->pending, SizeIs(known_migrations().size()));

  auto applied = migrate(connection);
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(*applied, before->pending);

  auto after = read_migration_status(connection);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->database_version, known_migrations().back().version);
  EXPECT_EQ(after->binary_version, after->database_version);
  EXPECT_TRUE(after->pending.empty());
  auto again = migrate(connection);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->empty());
}

TEST(migrations, processes_that_migrate_at_once_apply_each_migration_once) {
  test_database database{test_schema::empty};
  constexpr auto processes = 4;
  std::vector<result<std::vector<std::string>>> outcomes(processes);
  {
    std::vector<std::jthread> threads;
    for (auto& outcome : outcomes)
      threads.emplace_back([&] {
        auto connection = database.connect();
        outcome = migrate(connection);
      });
  }
  std::size_t applied = 0;
  for (const auto& outcome : outcomes) {
    ASSERT_TRUE(outcome) << outcome.error().message;
    applied += outcome->size();
  }
  EXPECT_EQ(applied, known_migrations().size());
}

TEST(migrations, a_pooled_connection_can_migrate) {
  test_database database{test_schema::empty};
  auto connection = database.pool().acquire();
  ASSERT_TRUE(connection);
  auto applied = migrate(**connection);
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_THAT(*applied, SizeIs(known_migrations().size()));
}

TEST(migrations, a_database_of_a_newer_program_is_refused) {
  test_database database;
  database.execute(
      "insert into schema_migrations (version, name, checksum) values (9999, 'future', 'x')");
  auto connection = database.connect();
  auto outcome = migrate(connection);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::database_newer);
  EXPECT_THAT(outcome.error().message, HasSubstr("9999"));
}

TEST(migrations, a_migration_whose_text_changed_since_is_refused) {
  test_database database;
  database.execute("update schema_migrations set checksum = 'other' where version = 1");
  auto connection = database.connect();
  auto outcome = migrate(connection);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::database_error);
  EXPECT_THAT(outcome.error().message, HasSubstr("migration 1"));
}

TEST(migrations, a_migration_that_fails_leaves_nothing_and_is_named) {
  test_database database{test_schema::empty};
  // In the way of the first migration.
  database.execute("create table documents (id int)");
  auto connection = database.connect();
  auto outcome = migrate(connection);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("migration 1 "));
  EXPECT_EQ(database.query("select count(*) from pg_tables where schemaname = 'public'"), "1");
}

}  // namespace
}  // namespace millrace
