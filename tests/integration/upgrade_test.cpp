// Databases that earlier versions left (tests/data/upgrade, a dump each) under this version.
#include <gmock/gmock.h>

#include "runtime/database/embedded/embedded_server.hpp"
#include "runtime/database/migrations.hpp"
#include "runtime/database/sql.hpp"
#include "tests/integration/view_contents.hpp"
#include "tests/integration/workspace.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path folder{MILLRACE_TEST_DATA "/upgrade"};

class upgrade : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    std::filesystem::copy(folder / "documents", w.documents());
    auto dump = read_text(folder / GetParam());
    const std::string placeholder = "@DOCUMENTS@";
    for (std::size_t at = 0; (at = dump.find(placeholder, at)) != std::string::npos;)
      dump.replace(at, placeholder.size(), w.documents());
    execute(dump);
    before = view_contents(w.data());
    ASSERT_THAT(before["chunks_v1"], HasSubstr("undershot"));
  }
  void execute(const std::string& sql) const {
    const auto server = embedded_server::open({.directory = w.data(), .fsync = false});
    ASSERT_TRUE(server) << server.error().message;
    sql::connection connection{(*server)->connection_string()};
    sql::nontransaction{connection}.exec(sql);
  }
  std::string version() const { return w.sql("select max(version) from schema_migrations"); }

  workspace w;
  std::map<std::string, std::string> before;
};

TEST_P(upgrade, every_later_migration_leaves_what_the_views_say) {
  EXPECT_EQ(w.run({"db", "migrate"}).exit_code, 0);
  EXPECT_EQ(view_contents(w.data()), before);
  EXPECT_EQ(version(), std::to_string(known_migrations().back().version));
}

TEST_P(upgrade, documents_that_are_ready_are_not_read_again) {
  w.environment["MILLRACE_EXTRACTOR"] = "/bin/false";  // whatever is read fails
  const auto again =
      w.run({"run", "--json", "--dataset", "archive", "--exclude", "broken.bin", w.documents()});
  EXPECT_EQ(again.exit_code, 3) << again.err << "one failed before";
  const auto said = parse_json(again.out);
  EXPECT_EQ(number_at(said, "documents.unchanged"), 3);
  EXPECT_EQ(number_at(said, "credits.charged"), 0);
  EXPECT_EQ(view_contents(w.data())["chunks_v1"], before["chunks_v1"]);
}

TEST_P(upgrade, what_waited_is_finished_without_another_charge) {
  const auto mill = w.documents() + "/mill.md";
  const auto locks = w.documents() + "/locks.txt";
  const auto finished = w.run({"run", "--json", "--dataset", "waiting", mill, locks});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  const auto said = parse_json(finished.out);
  EXPECT_EQ(number_at(said, "documents.ready"), 2);
  EXPECT_EQ(number_at(said, "credits.charged"), 0);
  EXPECT_EQ(w.sql("select status || ' ' || remaining from datasets_v1 where dataset = 'paused'"),
            "processing 1")
      << "it is still paused";
  EXPECT_EQ(w.sql("select count(*) from credit_accounts a where balance <> (select sum(amount) "
                  "from credit_transactions t where t.account_id = a.id)"),
            "0");
}

// What this version is to a database of a later one, a version that knows up to the dump's number
// is to this one's.
TEST_P(upgrade, an_older_millrace_refuses_in_words_and_changes_nothing) {
  execute("insert into public.schema_migrations values (9999, 'later', 'x')");
  for (const std::vector<std::string>& command : {std::vector<std::string>{"status"},
                                                  {"db", "migrate"},
                                                  {"run", w.documents()},
                                                  {"credits", "balance"}}) {
    const auto refused = w.run(command);
    EXPECT_EQ(refused.exit_code, 1) << command.front();
    EXPECT_THAT(refused.err, HasSubstr("schema version 9999"));
    EXPECT_THAT(refused.err, HasSubstr("use a newer millrace"));
  }
  EXPECT_EQ(view_contents(w.data()), before);
}

INSTANTIATE_TEST_SUITE_P(dumps, upgrade, ::testing::Values("0013.sql"),
                         [](const auto& dump) { return dump.param.substr(0, 4); });

}  // namespace
}  // namespace millrace
