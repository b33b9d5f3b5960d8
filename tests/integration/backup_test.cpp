// `millrace db backup` and `millrace db restore`, as a user runs them.
#include <csignal>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "runtime/database/embedded/embedded_server.hpp"
#include "runtime/database/sql.hpp"
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
  EXPECT_THAT(restored.out, HasSubstr("restored " + file + " into " + copy + ": "));
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
  EXPECT_THAT(refused.err, HasSubstr(file + " is not a backup of Millrace; name a file"));
  const auto missing = restore(file + " that is not there");
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("does not exist; name a file that `millrace db backup`"));
  const auto unnamed = restore("");
  EXPECT_EQ(unnamed.exit_code, 2);
  EXPECT_THAT(unnamed.err, HasSubstr("the name of the backup is empty"));
  EXPECT_FALSE(fs::exists(copy));
}

/// Says which file it is and what to do.
void expect_damaged(const outcome& refused, const std::string& file) {
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("the backup " + file + " is damaged or incomplete"));
  EXPECT_THAT(refused.err, HasSubstr("copy it again from where it was made"));
}

TEST_F(backup, one_that_was_cut_off_fills_nothing_and_the_whole_one_can_follow) {
  make_backup();
  const auto whole = read_text(file);
  const auto cut = file + ".cut";
  for (const auto bytes : {std::size_t{0}, std::size_t{64}}) {  // found before a database is made
    SCOPED_TRACE(bytes);
    write_text(cut, whole.substr(0, bytes));
    expect_damaged(restore(cut), cut);
    EXPECT_FALSE(fs::exists(copy));
  }
  write_text(cut, whole.substr(0, whole.size() * 9 / 10));
  expect_damaged(restore(cut), cut);
  EXPECT_EQ(restore(file).exit_code, 0);
  EXPECT_EQ(view_contents(copy), view_contents(w.data()));
}

TEST_F(backup, one_whose_bytes_changed_fills_nothing) {
  make_backup();
  const auto whole = read_text(file);
  const auto changed = file + ".changed";
  const auto restore_with_tenth_changed = [&](std::size_t tenth) {
    auto bytes = whole;
    for (std::size_t i = 0; i < 64; ++i) bytes[bytes.size() * tenth / 10 + i] = 'x';
    write_text(changed, bytes);
    return restore(changed);
  };
  expect_damaged(restore_with_tenth_changed(9), changed);  // in the compressed data
  const auto refused = restore_with_tenth_changed(1);      // in the statements
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("the backup " + changed + " was not restored"));
  EXPECT_THAT(refused.err, HasSubstr("compare its checksum"));
  EXPECT_EQ(restore(file).exit_code, 0);
}

TEST_F(backup, a_directory_with_other_files_is_not_filled) {
  make_backup();
  fs::create_directories(fs::path{copy} / "letters");
  write_text((fs::path{copy} / "thesis.txt").native(), "precious");
  const auto refused = restore(file);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err,
              HasSubstr(copy + " holds other files (letters, thesis.txt) and no database; "));
  EXPECT_FALSE(fs::exists(fs::path{copy} / "postgres"));
  fs::remove_all(copy);
  fs::create_directories(fs::path{copy} / "uploads");  // saved with the backup
  EXPECT_EQ(restore(file).exit_code, 0);
}

TEST_F(backup, one_of_a_later_version_is_refused) {
  w.sql("insert into schema_migrations values (9999, 'later', 'x')");
  make_backup();
  const auto refused = restore(file);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("use a newer millrace"));
  EXPECT_FALSE(fs::exists(copy));
}

/// While it lives a backup waits for a table.
class tables_locked {
 public:
  explicit tables_locked(const fs::path& data)
      : server_{embedded_server::open({.directory = data, .fsync = false})},
        connection_{(*server_)->connection_string()} {
    sql::nontransaction{connection_}.exec("begin; lock table chunks in access exclusive mode");
  }

 private:
  result<std::unique_ptr<embedded_server>> server_;
  sql::connection connection_;
};

TEST_F(backup, ctrl_c_leaves_no_file) {
  const tables_locked held{w.data()};
  const auto running = w.start({"db", "backup", file});
  ASSERT_TRUE(eventually([&] { return fs::exists(file + ".partial"); })) << running->err();
  running->signal(SIGINT);
  const auto stopped = running->wait();
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_THAT(stopped.err, HasSubstr("no backup was written"));
  expect_no_files();
}

TEST_F(backup, what_a_killed_one_left_is_written_anew) {
  {
    const tables_locked held{w.data()};
    const auto running = w.start({"db", "backup", file});
    ASSERT_TRUE(eventually([&] { return fs::exists(file + ".partial"); })) << running->err();
    running->signal(SIGKILL);
    running->wait();
  }
  EXPECT_TRUE(fs::exists(file + ".partial"));
  make_backup();
  EXPECT_FALSE(fs::exists(file + ".partial"));
  fs::remove(file);
  write_text(file + ".partial", "PGDMP, and half of it");  // killed later
  make_backup();
  EXPECT_FALSE(fs::exists(file + ".partial"));
  EXPECT_EQ(restore(file).exit_code, 0);
}

TEST_F(backup, one_that_runs_is_not_cut_off_by_another_one_of_the_same_file) {
  std::unique_ptr<program> first;
  {
    const tables_locked held{w.data()};
    first = w.start({"db", "backup", file});
    ASSERT_TRUE(eventually([&] { return fs::exists(file + ".partial"); })) << first->err();
    const auto refused = w.run({"db", "backup", file});
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr("another process is writing " + file + ".partial"));
  }
  EXPECT_EQ(first->wait().exit_code, 0) << first->err();
  EXPECT_EQ(restore(file).exit_code, 0);
}

TEST_F(backup, a_file_that_only_has_the_name_of_a_partial_one_is_kept) {
  write_text(file + ".partial", "precious");
  const auto refused = w.run({"db", "backup", file});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr(".partial is not what an interrupted backup leaves"));
  EXPECT_EQ(read_text(file + ".partial"), "precious");
}

TEST_F(backup, a_name_that_cannot_be_written_is_refused_in_a_sentence) {
  const auto data = (w.path() / "no data here").native();
  const auto refused = [&](const std::string& name, const std::string& words) {
    SCOPED_TRACE(name);
    // Before the database is looked for.
    const auto ended = w.run({"db", "backup", name, "--data", data});
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_THAT(ended.err, HasSubstr(words));
  };
  write_text(file, "a file");
  refused("", "the name of the file to write is empty");
  refused(w.path().native(), "is the name of a folder; name a file, such as");
  refused((w.path() / "new/").native(), "is the name of a folder; name a file, such as");
  refused((w.path() / "nowhere" / "file").native(), "nowhere does not exist; make it first");
  refused((fs::path{file} / "file").native(), "is not a folder; name a file in one");
  refused((w.path() / std::string(300, 'n')).native(), "is too long; choose a shorter one");
  EXPECT_FALSE(fs::exists(data));
}

}  // namespace
}  // namespace millrace
