#include "runtime/commit/group_writer.hpp"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/commit/commit_fixture.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

constexpr auto deadline = std::chrono::seconds{30};

group_writer_config quick() {
  return {.node = "a",
          .retry_min = std::chrono::milliseconds{1},
          .retry_max = std::chrono::milliseconds{20}};
}

std::vector<document_result> results(commit_fixture& f, int want) {
  std::vector<document_result> group;
  for (const auto& l : f.claim(want)) group.push_back(ready(l));
  return group;
}

/// write() whose outcome can be waited for.
std::future<result<group_report>> write(group_writer& writer, std::vector<document_result> group) {
  auto promise = std::make_shared<std::promise<result<group_report>>>();
  writer.write(std::move(group), [promise](auto report) { promise->set_value(std::move(report)); });
  return promise->get_future();
}

TEST(group_writer, writes_one_group_after_the_other) {
  commit_fixture f{9};
  group_writer writer{f.db.pool(), quick()};
  for (int i = 0; i < 3; ++i) {
    auto outcome = write(writer, results(f, 3));
    ASSERT_EQ(outcome.wait_for(deadline), std::future_status::ready);
    EXPECT_EQ(must(outcome.get()).documents.size(), 3U);
  }
  EXPECT_EQ(f.progress(), "(9,0,18,9,54)");
}

TEST(group_writer, a_group_waits_for_a_database_that_comes_back_and_is_written_once) {
  commit_fixture f{5};
  auto group = results(f, 5);
  const temporary_directory directory;
  const auto socket = directory.path() / "socket";  // not there yet
  connection_pool pool{f.db.connection_string() + " host=" + socket.string(), {}, "test"};
  group_writer writer{pool, quick()};
  auto outcome = write(writer, std::move(group));
  EXPECT_EQ(outcome.wait_for(std::chrono::milliseconds{50}), std::future_status::timeout);
  std::filesystem::create_directory_symlink(test_server().socket_directory(), socket);
  ASSERT_EQ(outcome.wait_for(deadline), std::future_status::ready);
  const auto report = must(outcome.get());
  EXPECT_EQ(report.documents.size(), 5U);
  EXPECT_EQ(report.transactions, 1);
  EXPECT_EQ(f.progress(), "(5,0,10,5,30)");
}

/// Classes 08, 40, 53 and 57 are the database's: the group is repeated until it is written whole.
TEST(group_writer, what_the_database_cannot_do_now_is_repeated_and_no_document_is_blamed) {
  for (const auto* state : {"40P01", "40001", "53200", "57P01", "08006", "55P03"}) {
    commit_fixture f{8};
    f.db.execute(
        "create sequence times; create function fail() returns trigger language plpgsql as $$ "
        "begin if new.ordinal = 1 and nextval('times') <= 3 then raise exception 'not now' using "
        "errcode = '" +
        std::string{state} +
        "'; end if; return new; end $$; create trigger fail before insert on chunks for each row "
        "execute function fail()");
    group_writer writer{f.db.pool(), quick()};
    auto outcome = write(writer, results(f, 8));
    ASSERT_EQ(outcome.wait_for(deadline), std::future_status::ready) << state;
    const auto report = must(outcome.get());
    EXPECT_EQ(report.transactions, 1) << state << ": not in parts";
    for (const auto& d : report.documents) EXPECT_EQ(d.outcome, commit_outcome::committed) << state;
    EXPECT_EQ(f.progress(), "(8,0,16,8,48)") << state;
    EXPECT_GE(number(f.db, "select last_value from times"), 4) << "it failed three times";
  }
}

TEST(group_writer, the_destructor_ends_a_group_that_waits_for_the_database) {
  connection_pool nowhere{"host=/nonexistent dbname=none", {}, "test"};
  std::future<result<group_report>> outcome;
  {
    auto patient = quick();
    patient.retry_min = patient.retry_max = std::chrono::hours{1};
    patient.give_up_after = std::chrono::hours{10};
    group_writer writer{nowhere, patient};
    lease l;
    l.token = l.document_id = l.dataset_id = 1;
    outcome = write(writer, {ready(l)});
  }
  ASSERT_EQ(outcome.wait_for(std::chrono::seconds{0}), std::future_status::ready)
      << "the callback has run before the destructor returned";
  EXPECT_EQ(code_of(outcome.get()), ec::database_unavailable);
}

TEST(group_writer, gives_up_after_its_time_and_can_write_again) {
  connection_pool nowhere{"host=/nonexistent dbname=none", {}, "test"};
  auto config = quick();
  config.give_up_after = std::chrono::milliseconds{20};
  group_writer writer{nowhere, config};
  for (int i = 0; i < 2; ++i) {
    lease l;
    l.token = l.document_id = l.dataset_id = 1;
    auto outcome = write(writer, {ready(l)});
    ASSERT_EQ(outcome.wait_for(deadline), std::future_status::ready);
    EXPECT_EQ(code_of(outcome.get()), ec::database_unavailable);
  }
}

/// Its rows time out each time: its neighbours must not wait for the end of all tries.
TEST(group_writer, one_that_never_passes_does_not_hold_up_the_others) {
  commit_fixture f{8};
  auto group = results(f, 8);
  group[5].chunks[1].text = "poison";
  f.db.execute(
      "create function fail() returns trigger language plpgsql as $$ begin if new.text = 'poison' "
      "then raise exception 'too slow' using errcode = '57014'; end if; return new; end $$; "
      "create trigger fail before insert on chunks for each row execute function fail()");
  group_writer writer{f.db.pool(), quick()};
  auto outcome = write(writer, std::move(group));
  ASSERT_EQ(outcome.wait_for(deadline), std::future_status::ready);
  const auto report = must(outcome.get());
  ASSERT_EQ(report.documents.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_EQ(report.documents[i].outcome,
              i == 5 ? commit_outcome::unwritten : commit_outcome::committed)
        << i;
  EXPECT_EQ(report.documents[5].reason.code, ec::database_timeout);
  EXPECT_EQ(f.count("queue_leases"), 1);
}

/// Whoever forgot `millrace db migrate` loses nothing by it.
TEST(group_writer, a_schema_that_lacks_something_is_waited_for) {
  commit_fixture f{2};
  auto group = results(f, 2);
  f.db.execute("alter table dataset_progress rename to elsewhere");
  group_writer writer{f.db.pool(), quick()};
  auto outcome = write(writer, std::move(group));
  EXPECT_EQ(outcome.wait_for(std::chrono::milliseconds{50}), std::future_status::timeout);
  f.db.execute("alter table elsewhere rename to dataset_progress");
  ASSERT_EQ(outcome.wait_for(deadline), std::future_status::ready);
  EXPECT_EQ(must(outcome.get()).documents.size(), 2U);
  EXPECT_EQ(f.progress(), "(2,0,4,2,12)");
}

}  // namespace
}  // namespace millrace
