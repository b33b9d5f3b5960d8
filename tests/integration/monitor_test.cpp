// What operators see: the queries of sql/monitoring/ on a database of known content, and
// `millrace db monitor`, which prints them.
#include <map>
#include <optional>
#include <string>
#include <thread>

#include <gmock/gmock.h>

#include "runtime/database/embedded_sql.hpp"
#include "tests/integration/workspace.hpp"
#include "tests/support/test_database.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

using named_row = std::map<std::string, std::string>;

class monitoring_queries : public ::testing::Test {
 protected:
  /// The rows of sql/monitoring/NAME.sql; "" for null.
  std::vector<named_row> rows(const std::string& name) const {
    const auto text = embedded_sql("monitoring/" + name + ".sql");
    EXPECT_NE(text, "") << name;
    auto connection = db.connect();
    sql::read_transaction tx{connection};
    std::vector<named_row> found;
    for (const auto& row : tx.exec(std::string{text})) {
      auto& into = found.emplace_back();
      for (const auto& field : row) into[field.name()] = field.c_str();
    }
    return found;
  }

  void add_dataset(const std::string& name, int total) const {
    db.execute(
        "insert into credit_accounts (name) values ('a') on conflict do nothing;"
        "insert into datasets (name, account_id, status, model, dimensions, total, created_at) "
        "select '" +
        name + "', id, 'processing', 'm', 1, " + std::to_string(total) +
        ", now() - interval '10 minutes' from credit_accounts");
  }

  /// Documents DATASET/FIRST… that ended `age` ago, and their count in a node's progress.
  void end_documents(const std::string& dataset, const std::string& status, int count,
                     const std::string& code = "", const std::string& age = "0 s") const {
    const auto number = std::to_string(count);
    db.execute(
        "insert into documents (dataset_id, uri, status, size, options, error_code, error_message, "
        "finished_at) select s.id, 'file:///" +
        code + status + "' || n, '" + status + "', 1, '', nullif('" + code +
        "', ''), 'why not', now() - interval '" + age + "' from datasets s, generate_series(1, " +
        number + ") n where s.name = '" + dataset + "';" +
        "insert into dataset_progress as p (dataset_id, node, " + status + ") select id, 'n', " +
        number + " from datasets where name = '" + dataset +
        "' on conflict (dataset_id, node) do update set " + status + " = p." + status +
        " + excluded." + status);
  }

  test_database db;
};

TEST_F(monitoring_queries, an_empty_database_has_connections_and_nothing_to_report) {
  EXPECT_THAT(rows("lock_waits"), SizeIs(0));
  EXPECT_THAT(rows("progress"), SizeIs(0));
  EXPECT_THAT(rows("errors"), SizeIs(0));
  EXPECT_FALSE(rows("connections").empty());
}

TEST_F(monitoring_queries, connections_are_counted_by_application_and_state) {
  const auto named = db.connection_string() + " application_name=millrace/here";
  sql::connection first{named}, second{named}, third{named};
  sql::work open{third};
  open.exec("select 1");
  std::map<std::string, named_row> ours;
  for (const auto& row : rows("connections"))
    if (row.at("application") == "millrace/here") ours[row.at("state")] = row;
  ASSERT_THAT(ours, SizeIs(2));
  EXPECT_EQ(ours["idle"]["connections"], "2");
  EXPECT_EQ(ours["idle in transaction"]["connections"], "1");
  EXPECT_GE(std::stoi(ours["idle"]["all_connections"]), 4);
  EXPECT_EQ(ours["idle"]["max_connections"], db.query("show max_connections"));
}

TEST_F(monitoring_queries, a_lock_wait_names_who_waits_for_whom_and_for_what) {
  db.execute("insert into credit_accounts (name) values ('a')");
  sql::connection holder{db.connection_string() + " application_name=holder"};
  sql::connection waiter{db.connection_string() + " application_name=waiter"};
  const std::string update = "update credit_accounts\n  set balance = 1";
  std::optional<sql::work> holding{holder};
  holding->exec(update);
  std::thread waiting{[&] {
    sql::work tx{waiter};
    tx.exec(update + std::string(200, ' ') + "where name = 'a'");
  }};
  std::vector<named_row> found;
  const auto seen = eventually([&] { return !(found = rows("lock_waits")).empty(); });
  holding.reset();
  waiting.join();
  ASSERT_TRUE(seen);
  ASSERT_THAT(found, SizeIs(1));
  auto& wait = found[0];
  EXPECT_EQ(wait["waiting"], "waiter");
  EXPECT_EQ(wait["blocking"], "holder");
  EXPECT_EQ(wait["blocking_state"], "idle in transaction");
  EXPECT_EQ(wait["waits_for"], "transactionid");
  EXPECT_EQ(wait["waiting_statement"], "update credit_accounts set balance = 1 where name = 'a'");
  EXPECT_EQ(wait["blocking_statement"], "update credit_accounts set balance = 1");
  EXPECT_THAT(rows("lock_waits"), SizeIs(0));
}

TEST_F(monitoring_queries, progress_has_exact_sums_the_last_minutes_rate_and_who_works) {
  add_dataset("books", 1000);
  end_documents("books", "ready", 120);
  end_documents("books", "failed", 30, "timeout", "5 min");
  db.execute(
      "insert into queue_ready (dataset_id, priority, run_at, document_id) "
      "select id, 0, now() + case when n > 5 then interval '1 h' else '-1 s' end, n "
      "from datasets, generate_series(1, 7) n;"
      "insert into queue_leases (token, document_id, dataset_id, priority, failures, losses, node, "
      "incarnation, deadline) select n, n, id, 0, 0, 0, case when n > 102 then 'b' else 'a' end, "
      "1, now() from datasets, generate_series(101, 103) n");
  const auto found = rows("progress");
  ASSERT_THAT(found, SizeIs(1));
  const named_row expected{{"dataset", "books"},
                           {"paused", "f"},
                           {"total", "1000"},
                           {"ready", "120"},
                           {"failed", "30"},
                           {"cancelled", "0"},
                           {"remaining", "850"},
                           {"chunks", "0"},
                           {"documents_per_second", "2.0"},
                           {"queued", "5"},
                           {"delayed", "2"},
                           {"seconds_left", "425"},
                           {"leased", "3"},
                           {"leases_by_node", "a 2, b 1"}};
  EXPECT_EQ(found[0], expected);
}

TEST_F(monitoring_queries, progress_of_a_dataset_that_stands_still_has_no_end_in_sight) {
  add_dataset("stuck", 10);
  add_dataset("finished", 10);
  db.execute("update datasets set status = 'ready' where name = 'finished'");
  const auto found = rows("progress");
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].at("dataset"), "stuck");
  EXPECT_EQ(found[0].at("documents_per_second"), "0.0");
  EXPECT_EQ(found[0].at("seconds_left"), "");
}

TEST_F(monitoring_queries, errors_are_grouped_by_code_with_the_newest_as_example) {
  add_dataset("books", 100);
  end_documents("books", "ready", 3);
  end_documents("books", "failed", 2, "timeout", "2 h");
  end_documents("books", "failed", 5, "malformed_document");
  db.execute(
      "insert into queue_dead (document_id, dataset_id, error_code, error_message, failures, "
      "losses) select id, dataset_id, error_code, '', 5, 0 from documents where uri like "
      "'%timeoutfailed1'");
  const auto found = rows("errors");
  const std::vector<named_row> expected{{{"code", "malformed_document"},
                                         {"last_hour", "5"},
                                         {"documents", "5"},
                                         {"dead_letters", "0"},
                                         {"datasets", "1"},
                                         {"example", "file:///malformed_documentfailed5"},
                                         {"example_message", "why not"}},
                                        {{"code", "timeout"},
                                         {"last_hour", "0"},
                                         {"documents", "2"},
                                         {"dead_letters", "1"},
                                         {"datasets", "1"},
                                         {"example", "file:///timeoutfailed2"},
                                         {"example_message", "why not"}}};
  EXPECT_EQ(found, expected);
}

TEST_F(monitoring_queries, every_query_is_bounded_and_one_statement_of_plain_sql) {
  add_dataset("many", 1000);
  for (int i = 0; i < 60; ++i) end_documents("many", "failed", 1, "code" + std::to_string(i));
  for (int i = 0; i < 60; ++i) add_dataset("more" + std::to_string(i), 1);
  EXPECT_THAT(rows("errors"), SizeIs(50));
  EXPECT_THAT(rows("progress"), SizeIs(50));
  for (const std::string name : {"connections", "lock_waits", "progress", "errors"}) {
    const std::string text{embedded_sql("monitoring/" + name + ".sql")};
    EXPECT_EQ(text.find(';'), text.size() - 2) << name << " is wrapped by `db monitor`";
    EXPECT_THAT(text, StartsWith("-- "));
    EXPECT_THAT(text, Not(HasSubstr("\n\\"))) << "psql's own commands do not work elsewhere";
    EXPECT_THAT(text, HasSubstr("limit 50"));
  }
}

TEST(db_monitor, prints_all_four_and_an_object_of_four_arrays) {
  const workspace w;
  w.add_document("good.txt", "A canal lock lifts a boat.");
  const std::string bad = MILLRACE_TEST_DATA "/archive.zip";
  ASSERT_EQ(w.run({"run", "--dataset", "two", w.documents(), bad}).exit_code, 3);
  const auto text = w.run({"db", "monitor"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("millrace/monitor"));
  EXPECT_THAT(text.out, HasSubstr("nobody waits for a lock"));
  EXPECT_THAT(text.out, HasSubstr("no dataset is being processed"));
  EXPECT_THAT(text.out, HasSubstr("archive.zip"));
  const auto json = w.json({"db", "monitor"});
  EXPECT_EQ(json.MemberCount(), 4U);
  for (const auto* name : {"connections", "lock_waits", "progress", "errors"})
    ASSERT_TRUE(json.HasMember(name) && json[name].IsArray()) << name;
  EXPECT_EQ(json["progress"].Size(), 0U);
  ASSERT_EQ(json["errors"].Size(), 1U);
  EXPECT_STREQ(json["errors"][0]["code"].GetString(), "unsupported_format");
  EXPECT_EQ(number_at(json["errors"][0], "documents"), 1);
}

TEST(db_monitor, says_where_there_is_no_database) {
  const workspace w;
  const auto done = w.run({"db", "monitor"});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, HasSubstr("millrace run"));
}

}  // namespace
}  // namespace millrace
