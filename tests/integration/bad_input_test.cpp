// What users get wrong, and what their machines get wrong: one clear sentence on standard error,
// the right exit code, nothing half done.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/workspace.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

void expect_one_sentence(const outcome& o, int exit_code, const std::string& words) {
  EXPECT_EQ(o.exit_code, exit_code) << o.err;
  EXPECT_EQ(o.out, "");
  EXPECT_EQ(lines_of(o.err).size(), 1U) << o.err;
  EXPECT_TRUE(o.err.starts_with("millrace: ")) << o.err;
  EXPECT_NE(o.err.find(words), std::string::npos) << o.err;
}

class bad_input : public ::testing::Test {
 protected:
  /// No dataset, no document, no money moved but the first grant.
  void expect_nothing_submitted() {
    EXPECT_EQ(w.json({"status"})["datasets"].Size(), 0U);
    EXPECT_EQ(w.sql("select (select count(*) from documents) + (select count(*) from queue_ready) "
                    "+ (select count(*) from credit_transactions where type <> 'grant')"),
              "0");
  }
  workspace w;
};

TEST_F(bad_input, a_missing_path_is_named_before_anything_starts) {
  w.add_documents(2);
  for (const bool first : {true, false}) {
    std::vector<std::string> words{"run", first ? "/no/such/file" : w.documents(),
                                   first ? w.documents() : "/no/such/file"};
    expect_one_sentence(w.run(words), 2, "/no/such/file: no such file or folder");
  }
  expect_one_sentence(w.run({"run"}), 2, "--files-from");
  expect_one_sentence(w.run({"run", "--files-from", "/no/list"}), 2, "/no/list");
  expect_one_sentence(w.run({"extract", "/no/such/file"}), 2, "/no/such/file");
  EXPECT_FALSE(fs::exists(w.data()));
}

TEST_F(bad_input, a_fifo_that_is_named_is_refused_and_one_in_a_folder_is_skipped) {
  w.add_documents(2);
  const auto fifo = (fs::path{w.documents()} / "pipe").native();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0644), 0);
  expect_one_sentence(w.run({"run", fifo}), 2, "pipe: neither a file nor a folder");
  const auto done = w.run({"run", "--json", w.documents()});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(number_at(parse_json(done.out), "documents.total"), 2);
}

TEST_F(bad_input, an_unreadable_file_fails_alone_with_the_reason) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  w.add_documents(2);
  fs::permissions(w.add_document("secret.txt", "Not for you.\n"), fs::perms::none);
  const auto done = w.run({"run", "--json", w.documents()});
  EXPECT_EQ(done.exit_code, 3);
  const auto json = parse_json(done.out);
  ASSERT_EQ(json["failures"].Size(), 1U);
  EXPECT_STREQ(json["failures"][0]["code"].GetString(), "source_unreadable");
}

TEST_F(bad_input, a_file_that_vanishes_before_it_is_read_fails_alone_and_is_refunded) {
  w.add_documents(2);
  const auto gone = w.add_document("gone.txt", "Soon gone.\n");
  // Accepted, but not begun: there is never so much free disk.
  const auto waits =
      w.add_config("[storage]\nmin_free = \"1000TiB\"\n[credits]\ninitial_grant = 1000000\n");
  const auto stopped =
      w.run({"run", "--dataset", "d", "--config", waits, "--pause-limit", "0", w.documents()});
  ASSERT_EQ(stopped.exit_code, 1) << stopped.err;
  ASSERT_NE(stopped.err.find("storage.min_free"), std::string::npos) << stopped.err;
  fs::remove(gone);
  const auto done = w.run({"run", "--json", "--dataset", "d", w.documents()});
  EXPECT_EQ(done.exit_code, 3) << done.err;
  const auto json = parse_json(done.out);
  EXPECT_EQ(number_at(json, "documents.ready"), 2);
  ASSERT_EQ(json["failures"].Size(), 1U);
  EXPECT_STREQ(json["failures"][0]["code"].GetString(), "source_missing");
  EXPECT_EQ(number_at(w.json({"credits", "balance"}), "balance"), 1'000'000 - 20);
}

TEST_F(bad_input, mistakes_in_a_config_are_named_with_file_and_line) {
  w.add_documents(1);
  struct mistake {
    const char* text;
    const char* words;
  };
  for (const auto& m :
       {mistake{"[embeder]\n",
                "toml:1: unknown table [embeder]; did you mean "
                "`embedder`?"},
        mistake{"[documents]\nconcurency = 5\n",
                "toml:2: unknown key `concurency` in [documents]; did you mean "
                "`concurrency`?"},
        mistake{"[documents]\nconcurrency = \"many\"\n",
                "toml:2: `documents.concurrency` is 'many', expected"},
        mistake{"[extraction]\n\ntimeout = \"10 parsecs\"\n", "toml:3: "},
        mistake{"[documents\n", "toml:1: "},
        mistake{"[database]\nurl = \"postgresql://u:hunter2@h/d\"\n", "PGPASSWORD"}}) {
    const auto config = w.add_config(m.text);
    const auto ran = w.run({"run", "--config", config, w.documents()});
    expect_one_sentence(ran, 2, m.words);
    EXPECT_EQ(ran.err.find("hunter2"), std::string::npos) << "a password is shown";
    expect_one_sentence(w.run({"config", "check", config}), 2, m.words);
  }
  expect_one_sentence(w.run({"run", "--config", "/no/such.toml", w.documents()}), 2,
                      "/no/such.toml: there is no such file");
  EXPECT_FALSE(fs::exists(w.data()));
}

TEST_F(bad_input, mistakes_in_the_environment_are_named) {
  w.add_documents(1);
  w.environment["MILLRACE_DOCUMENTS__CONCURENCY"] = "5";
  expect_one_sentence(w.run({"run", w.documents()}), 2, "MILLRACE_DOCUMENTS__CONCURRENCY");
  w.environment.clear();
  w.environment["MILLRACE_DOCUMENTS__CONCURRENCY"] = "x";
  expect_one_sentence(w.run({"run", w.documents()}), 2, "MILLRACE_DOCUMENTS__CONCURRENCY");
}

TEST_F(bad_input, an_unknown_command_or_option_is_named) {
  for (const auto& [words, named] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"rum", "x"}, "rum"},
           {{"run", "--bogus", "x"}, "--bogus"},
           {{"credits", "grant", "acme", "0"}, "AMOUNT"},
           {{"documents", "d", "--status", "bogus"}, "bogus"},
           {{"search", "d"}, "WORDS"}}) {
    const auto done = w.run(words);
    EXPECT_EQ(done.exit_code, 2);
    EXPECT_EQ(done.out, "");
    EXPECT_NE(done.err.find(named), std::string::npos) << done.err;
    EXPECT_LT(done.err.size(), 300U) << done.err;
  }
  EXPECT_EQ(w.run({}).exit_code, 2);
  EXPECT_EQ(w.run({"--help"}).exit_code, 0);
  EXPECT_TRUE(w.run({"--version"}).out.starts_with("millrace "));
}

TEST_F(bad_input, a_misspelled_word_is_named_with_the_nearest_known_one) {
  expect_one_sentence(w.run({"credits", "grnt", "default", "5"}), 2,
                      "there is no command `credits grnt`; did you mean `credits grant`?");
  expect_one_sentence(w.run({"db"}), 2, "`db` needs one of: migrate, status");
  expect_one_sentence(w.run({"submit", "--inculde", "x"}), 2,
                      "there is no option `--inculde`; did you mean `--include`?; see millrace "
                      "submit --help");
  expect_one_sentence(w.run({"drain"}), 2, "NODE is required; see millrace drain --help");
}

TEST_F(bad_input, what_the_command_line_names_counts_whatever_the_environment_says) {
  EXPECT_EQ(w.run({"db", "migrate"}).exit_code, 0);
  w.environment["MILLRACE_ENDPOINT"] = "http://127.0.0.1:1";
  expect_one_sentence(w.run({"nodes"}), 1, "no Millrace node answers at http://127.0.0.1:1");
  EXPECT_EQ(w.run({"nodes", "--data", w.data().native()}).exit_code, 0);
  w.add_documents(1);
  const auto done = w.run({"run", "--dataset", "it's mine", w.documents()});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const std::string hint = "search it: millrace ";
  const auto at = done.out.find(hint);
  ASSERT_NE(at, std::string::npos) << done.out;
  const auto found = w.shell(done.out.substr(at + hint.size() - 9));
  EXPECT_EQ(found.exit_code, 0) << found.err;
}

TEST_F(bad_input, nobody_watches_what_nobody_works_on) {
  w.add_documents(1);
  EXPECT_EQ(w.run({"run", "--dataset", "d", w.documents()}).exit_code, 0);
  w.sql("update datasets set status = 'processing' returning 1");
  const auto watched = w.run({"watch", "d"});
  EXPECT_EQ(watched.exit_code, 1);
  EXPECT_NE(watched.err.find("no node runs here, so nothing goes on"), std::string::npos)
      << watched.err;
}

TEST_F(bad_input, too_few_credits_show_balance_and_need_and_submit_nothing) {
  w.add_documents(6);
  const auto poor = w.add_config("[credits]\ninitial_grant = 50\n");
  const auto refused = w.run({"run", "--config", poor, w.documents()});
  expect_one_sentence(refused, 1, "account `default` has 50 credits, 60 are needed");
  EXPECT_NE(refused.err.find("millrace credits grant default 10"), std::string::npos);
  expect_nothing_submitted();
  expect_one_sentence(w.run({"run", "--account", "nobody", w.documents()}), 1,
                      "account `nobody` has 0 credits, 60 are needed");
  expect_nothing_submitted();
  EXPECT_EQ(w.run({"credits", "grant", "default", "10"}).exit_code, 0);
  EXPECT_EQ(w.run({"run", "--config", poor, w.documents()}).exit_code, 0);
  EXPECT_EQ(number_at(w.json({"credits", "balance"}), "balance"), 0);
}

TEST_F(bad_input, reading_where_nothing_is_says_so_and_makes_nothing) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"status"}, {"queue"}, {"db", "status"}, {"credits", "balance"}})
    expect_one_sentence(w.run(words), 1, w.data().native());
  EXPECT_FALSE(fs::exists(w.data()));
}

TEST_F(bad_input, a_database_that_cannot_be_reached_is_named) {
  w.add_documents(1);
  const auto config = w.add_config(
      "[database]\nurl = \"postgresql://u@127.0.0.1:1/x\"\n"
      "connect_timeout = \"2s\"\n");
  w.environment["MILLRACE_DATA"] = "";
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"run", "--config", config, w.documents()}, {"status", "--config", config}})
    expect_one_sentence(w.run(words), 1, "the database postgresql://u@127.0.0.1:1/x cannot be");
}

TEST_F(bad_input, a_node_or_an_endpoint_that_is_not_there_is_named) {
  w.add_documents(1);
  expect_one_sentence(w.run({"status", "--endpoint", "http://127.0.0.1:1"}), 1,
                      "no Millrace node answers at http://127.0.0.1:1");
  expect_one_sentence(w.run({"node"}), 2, "--config");
  EXPECT_EQ(w.run({"db", "migrate"}).exit_code, 0);
  expect_one_sentence(w.run({"submit", "--dataset", "d", w.documents()}), 1, "no node runs here");
}

TEST_F(bad_input, data_of_a_newer_version_are_left_alone) {
  w.add_documents(1);
  ASSERT_EQ(w.run({"db", "migrate"}).exit_code, 0);
  w.sql("insert into schema_migrations (version, name, checksum) values (9999, 'future', 'x')");
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"run", w.documents()}, {"status"}, {"db", "migrate"}})
    expect_one_sentence(w.run(words), 1, "the database has schema version 9999");
}

TEST_F(bad_input, a_data_directory_that_is_a_file_is_refused) {
  w.add_documents(1);
  write_text(w.data(), "not a folder\n");
  expect_one_sentence(w.run({"run", w.documents()}), 1, w.data().native());
  EXPECT_EQ(read_text(w.data()), "not a folder\n");
}

/// A small file system of its own; skips where it cannot be had.
class full_disk : public bad_input {
 protected:
  void mount_tmpfs(const char* size) {
    fs::create_directories(w.data());
    if (::mount("tmpfs", w.data().c_str(), "tmpfs", 0,
                (std::string{"mode=755,size="} + size).c_str()) != 0)
      GTEST_SKIP() << "no permission to mount a small file system";
    mounted_ = true;
    w.add_documents(20);
  }
  void TearDown() override {
    if (!mounted_) return;
    EXPECT_TRUE(eventually([this] { return !server_runs(w.data()); }));
    EXPECT_EQ(::umount2(w.data().c_str(), MNT_DETACH), 0);
  }

 private:
  bool mounted_ = false;
};

TEST_F(full_disk, too_small_for_a_database_is_refused_before_one_is_made) {
  mount_tmpfs("60m");
  if (IsSkipped()) return;
  expect_one_sentence(w.run({"run", w.documents()}), 1, "MiB are free");
  EXPECT_FALSE(fs::exists(w.data() / "postgres"));
}

TEST_F(full_disk, below_min_free_claims_pause_with_the_reason_and_no_document_fails) {
  mount_tmpfs("400m");
  if (IsSkipped()) return;
  const auto done = w.run({"run", "--json", "--dataset", "d", "--pause-limit", "1", w.documents()});
  EXPECT_EQ(done.exit_code, 1) << done.err;
  EXPECT_NE(done.err.find("storage.min_free"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("millrace run --dataset d"), std::string::npos) << done.err;
  const auto status = w.json({"status", "d"});
  EXPECT_EQ(number_at(status, "failed"), 0);
  EXPECT_EQ(number_at(status, "remaining"), 20);
  const auto config =
      w.add_config("[storage]\nmin_free = \"1MiB\"\n[credits]\ninitial_grant = 1\n");
  EXPECT_EQ(w.run({"run", "--config", config, "--dataset", "d", w.documents()}).exit_code, 0);
}

}  // namespace
}  // namespace millrace
