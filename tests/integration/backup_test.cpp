// `millrace db backup` and `millrace db restore`, as a user runs them.
#include <csignal>

#include <gmock/gmock.h>
#include <pqxx/pqxx>
#include <sys/stat.h>

#include "runtime/database/embedded_server.hpp"
#include "tests/integration/live_node.hpp"
#include "tests/integration/view_contents.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

/// Three documents are ready and one failed; nothing runs any more.
class backup : public ::testing::Test {
 protected:
  void SetUp() override {
    w.add_documents(3);
    w.add_document("broken.bin", std::string("\x01\x02\x00\xff\xfe\x7f\x00\x03", 8));
    ASSERT_EQ(w.run({"run", "--dataset", "d", w.documents()}).exit_code, 3);
  }
  void make_backup() const {
    const auto saved = w.run({"db", "backup", file});
    ASSERT_EQ(saved.exit_code, 0) << saved.err;
    EXPECT_THAT(saved.out, HasSubstr("saved in " + file + ": "));
  }
  outcome restore(const std::string& from, std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"db", "restore", from, "--data", copy};
    words.insert(words.end(), more.begin(), more.end());
    return w.run(words);
  }
  std::string identity(const std::string& data) const {
    const auto asked =
        w.run({"db", "psql", "--data", data, "--", "-qAtc", "select id from database_identity"});
    EXPECT_EQ(asked.exit_code, 0) << asked.err;
    return asked.out;
  }
  void expect_no_files() const {
    EXPECT_FALSE(fs::exists(file));
    EXPECT_FALSE(fs::exists(file + ".partial"));
  }

  workspace w;
  const std::string file = (w.path() / "it's a backup").native();
  const std::string copy = (w.path() / "copy").native();
};

TEST_F(backup, one_that_is_restored_into_an_empty_directory_is_the_same_database) {
  make_backup();
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_FALSE(fs::exists(file + ".partial"));
  const auto restored = restore(file);
  ASSERT_EQ(restored.exit_code, 0) << restored.err;
  EXPECT_THAT(restored.out, HasSubstr("restored from " + file + ": "));
  EXPECT_EQ(view_contents(copy), view_contents(w.data()));
  EXPECT_EQ(identity(copy), identity(w.data().native()));
  EXPECT_FALSE(server_runs(copy));

  const auto again = w.run({"run", "--json", "--data", copy, "--dataset", "d", w.documents()});
  EXPECT_EQ(again.exit_code, 3) << again.err;
  EXPECT_EQ(number_at(parse_json(again.out), "documents.unchanged"), 3) << again.out;
}

TEST_F(backup, a_copy_has_an_identity_of_its_own) {
  make_backup();
  ASSERT_EQ(restore(file, {"--as-copy"}).exit_code, 0);
  EXPECT_EQ(view_contents(copy), view_contents(w.data()));
  EXPECT_NE(identity(copy), identity(w.data().native()));
}

TEST_F(backup, a_node_works_on_while_its_database_is_saved) {
  const live_node node{w, "a"};
  const auto saved = w.json({"db", "backup", file});
  EXPECT_EQ(saved["file"].GetString(), file);
  EXPECT_EQ(number_at(saved, "bytes"), static_cast<std::int64_t>(fs::file_size(file)));
  EXPECT_EQ(node.get("/readyz").status, 200);
  node.process->signal(SIGTERM);
  EXPECT_EQ(node.process->wait().exit_code, 0);
  ASSERT_EQ(restore(file).exit_code, 0);
  EXPECT_EQ(view_contents(copy), view_contents(w.data()));
  workspace other;  // a node starts on what was restored
  other.environment["MILLRACE_DATA"] = copy;
  const live_node restored{other, "a"};
  EXPECT_EQ(restored.json("/v1/datasets/d")["ready"].GetInt64(), 3);
}

TEST_F(backup, a_file_that_exists_is_not_overwritten) {
  write_text(file, "precious");
  const auto refused = w.run({"db", "backup", file});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("is not overwritten"));
  EXPECT_EQ(read_text(file), "precious");
}

TEST_F(backup, only_an_empty_database_is_filled) {
  make_backup();
  const auto before = view_contents(w.data());
  const auto refused = w.run({"db", "restore", file});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("not empty"));
  EXPECT_THAT(refused.err, HasSubstr("--data a new directory"));
  EXPECT_EQ(view_contents(w.data()), before);
}

TEST_F(backup, what_is_no_backup_is_refused_before_a_database_is_made) {
  write_text(file, "not a backup\n");
  const auto refused = restore(file);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("is not a backup that `millrace db backup` wrote"));
  EXPECT_FALSE(fs::exists(copy));
  const auto missing = restore(file + " that is not there");
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("No such file"));
  EXPECT_FALSE(fs::exists(copy));
}

TEST_F(backup, one_that_was_cut_off_fills_nothing_and_the_whole_one_can_follow) {
  make_backup();
  const auto whole = read_text(file);
  const auto cut = file + ".cut";
  write_text(cut, whole.substr(0, whole.size() * 9 / 10));
  const auto refused = restore(cut);
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, Not(HasSubstr("internal")));
  EXPECT_EQ(restore(file).exit_code, 0);
  EXPECT_EQ(view_contents(copy), view_contents(w.data()));
}

TEST_F(backup, one_of_a_later_version_is_refused) {
  w.sql("insert into schema_migrations values (9999, 'later', 'x')");
  make_backup();
  const auto refused = restore(file);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("use a newer millrace"));
  EXPECT_FALSE(fs::exists(copy));
}

TEST_F(backup, ctrl_c_leaves_no_file) {
  const auto server = embedded_server::open({.directory = w.data(), .fsync = false});
  ASSERT_TRUE(server) << server.error().message;
  pqxx::connection blocking{(*server)->connection_string()};
  pqxx::nontransaction{blocking}.exec("begin; lock table chunks in access exclusive mode");
  const auto running = w.start({"db", "backup", file});
  ASSERT_TRUE(eventually([&] { return fs::exists(file + ".partial"); })) << running->err();
  running->signal(SIGINT);
  const auto stopped = running->wait();
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_THAT(stopped.err, HasSubstr("no backup was written"));
  expect_no_files();
}

TEST_F(backup, what_a_killed_one_left_is_written_anew) {
  write_text(file + ".partial", "half of it");
  make_backup();
  EXPECT_FALSE(fs::exists(file + ".partial"));
  EXPECT_EQ(restore(file).exit_code, 0);
}

TEST_F(backup, a_folder_that_is_missing_is_named) {
  const auto refused = w.run({"db", "backup", (w.path() / "nowhere" / "file").native()});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("nowhere"));
}

}  // namespace
}  // namespace millrace
