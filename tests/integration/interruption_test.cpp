// Runs that are stopped or killed in the middle, and the command that goes on with them. A fake
// embedding server makes the runs as slow as the tests need them.
#include <csignal>
#include <set>

#include "tests/integration/workspace.hpp"
#include "tests/support/embedding/fake_embedding_server.hpp"
#include "tests/support/pdf_writer.hpp"

namespace millrace {
namespace {

constexpr int document_count = 60;

/// A run of 60 documents, two at a time, 40 ms each: about 1.2 s.
class interrupted_run : public ::testing::Test {
 protected:
  interrupted_run() { configure(std::chrono::milliseconds{40}); }

  void configure(std::chrono::milliseconds latency) {
    fake_embedding_config server_config;
    server_config.latency = latency;
    server = std::make_unique<fake_embedding_server>(std::move(server_config));
    config = w.add_config(remote_config(server->base_url(), 2, "", "[drain]\ntimeout = \"1h\"\n"));
  }
  void SetUp() override { w.add_documents(document_count); }

  std::unique_ptr<program> start_run(const std::string& dataset = "slow") {
    return w.start({"run", "--dataset", dataset, "--config", config, w.documents()});
  }
  bool some_are_embedded(std::uint64_t n = 10) {
    return eventually([&] { return server->count().requests >= n; });
  }
  std::int64_t ready() { return number_at(w.json({"status", "slow"}), "ready"); }

  /// The line behind "to go on where this stopped".
  static std::string resume_command(const std::string& err) {
    const auto lines = lines_of(err);
    for (std::size_t i = 0; i + 1 < lines.size(); ++i)
      if (lines[i].find("to go on where this stopped") != std::string::npos) return lines[i + 1];
    ADD_FAILURE() << "no command to go on with in: " << err;
    return "false";
  }

  void expect_all_done_exactly_once() {
    const auto lines = lines_of(w.run({"export", "slow"}).out);
    std::set<std::string> uris;
    for (const auto& line : lines) uris.insert(parse_json(line)["uri"].GetString());
    EXPECT_EQ(lines.size(), static_cast<std::size_t>(document_count));
    EXPECT_EQ(uris.size(), static_cast<std::size_t>(document_count));
    EXPECT_EQ(ready(), document_count);
    EXPECT_EQ(w.sql("select string_agg(type || amount, ' ' order by id) from credit_transactions"),
              "grant10000000 batch_deduction-600");
    EXPECT_EQ(w.sql("select (select count(*) from queue_ready) + (select count(*) from "
                    "queue_leases)"),
              "0");
  }

  workspace w;
  std::unique_ptr<fake_embedding_server> server;
  std::string config;
};

TEST_F(interrupted_run, ctrl_c_drains_and_prints_the_command_that_finishes_the_rest) {
  const auto running = start_run();
  ASSERT_TRUE(some_are_embedded());
  running->signal(SIGINT);
  const auto stopped = running->wait();
  EXPECT_EQ(stopped.exit_code, 1) << stopped.err;
  EXPECT_EQ(stopped.out, "");
  EXPECT_FALSE(server_runs(w.data()));
  const auto done = ready();
  EXPECT_GT(done, 0);
  EXPECT_LT(done, document_count) << "the run was over before it was interrupted";
  EXPECT_EQ(number_at(w.json({"queue"}), "ready"), document_count - done) << "work goes back";
  const auto resumed = w.shell(resume_command(stopped.err));
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  expect_all_done_exactly_once();
}

TEST_F(interrupted_run, a_sigkill_in_the_middle_loses_and_doubles_nothing) {
  const auto running = start_run();
  ASSERT_TRUE(some_are_embedded());
  running->signal(SIGKILL);
  EXPECT_EQ(running->wait().exit_code, 128 + SIGKILL);
  EXPECT_LT(ready(), document_count) << "the run was over before it was killed";
  const auto resumed = start_run()->wait();
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  expect_all_done_exactly_once();
}

TEST_F(interrupted_run, a_sigkill_of_the_run_and_its_database_loses_and_doubles_nothing) {
  const auto running = start_run();
  ASSERT_TRUE(some_are_embedded());
  const auto postmaster = std::atoi(read_text(w.data() / "postgres" / "postmaster.pid").c_str());
  ASSERT_GT(postmaster, 0);
  running->signal(SIGKILL);
  ::kill(postmaster, SIGKILL);
  running->wait();
  ASSERT_TRUE(eventually([&] { return !server_runs(w.data()); }));
  const auto resumed = start_run()->wait();
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  expect_all_done_exactly_once();
}

TEST_F(interrupted_run, being_killed_again_and_again_ends_with_every_document_once) {
  for (std::uint64_t round = 1; round <= 3; ++round) {
    const auto running = start_run();
    ASSERT_TRUE(some_are_embedded(round * 8));
    running->signal(SIGKILL);
    running->wait();
  }
  const auto resumed = start_run()->wait();
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  expect_all_done_exactly_once();
}

TEST_F(interrupted_run, a_second_ctrl_c_leaves_without_waiting_for_running_documents) {
  configure(std::chrono::hours{1});  // and a drain that would wait as long
  const auto running = start_run();
  ASSERT_TRUE(some_are_embedded(1));
  running->signal(SIGINT);
  ASSERT_TRUE(running->says("stopping"));
  running->signal(SIGINT);
  const auto left = running->wait(std::chrono::seconds{30});
  EXPECT_EQ(left.exit_code, 130) << left.err;
  EXPECT_NE(left.err.find("nothing is lost"), std::string::npos) << left.err;
  configure(std::chrono::milliseconds{1});
  EXPECT_EQ(start_run()->wait().exit_code, 0);
  expect_all_done_exactly_once();
}

TEST_F(interrupted_run, the_resume_command_repeats_every_option_that_matters) {
  configure(std::chrono::hours{1});
  EXPECT_EQ(w.run({"credits", "grant", "acme", "9000"}).exit_code, 1) << "no data yet";
  EXPECT_EQ(w.run({"db", "migrate"}).exit_code, 0);
  EXPECT_EQ(w.run({"credits", "grant", "acme", "9000"}).exit_code, 0);
  const auto running = w.start({"run", "--dataset", "it's mine", "--config", config, "--account",
                                "acme", "--include", "*.txt", "--prune", w.documents()});
  ASSERT_TRUE(some_are_embedded(1));
  running->signal(SIGKILL);
  running->wait();
  configure(std::chrono::milliseconds{100});
  const auto again =
      w.start({"run", "--dataset", "it's mine", "--config", config, "--account", "acme",
               "--include", "*.txt", "--prune", "--data", w.data().native(), w.documents()});
  ASSERT_TRUE(some_are_embedded(1));
  again->signal(SIGINT);
  const auto command = resume_command(again->wait().err);
  for (const char* part : {"--dataset 'it'\\''s mine'", "--account acme", "--include '*.txt'",
                           "--prune", "--config ", "--data "})
    EXPECT_NE(command.find(part), std::string::npos) << command;
  EXPECT_EQ(w.shell(command).exit_code, 0);
}

TEST_F(interrupted_run, a_second_run_on_the_same_data_does_not_end_the_first) {
  const auto first = start_run();
  ASSERT_TRUE(some_are_embedded(4));
  const workspace other;
  const auto file = other.add_document("one.txt", "A short one.\n");
  const auto second = w.run({"run", "--config", config, "--dataset", "second", file});
  const auto done = first->wait();
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(ready(), document_count);
  const bool names_the_data = second.err.find(w.data().native()) != std::string::npos;
  EXPECT_TRUE(second.exit_code == 0 || names_the_data)
      << "it joins, or says who holds the data: " << second.err;
}

/// A text of about 2,600 chunks of its own words each.
std::string long_text() {
  std::string text;
  for (int i = 0; i < 2600; ++i) {
    for (int word = 0; word < 12; ++word)
      text += "w" + std::to_string(i) + "x" + std::to_string(word) + " ";
    text += "\n\n";
  }
  return text;
}

TEST(interrupted_document, one_that_was_killed_at_its_end_embeds_only_the_rest) {
  fake_embedding_config server_config;
  server_config.latency = std::chrono::milliseconds{3};
  fake_embedding_server server{std::move(server_config)};
  const workspace w;
  w.add_document("long.txt", long_text());
  const auto config =
      w.add_config(remote_config(server.base_url(), 1, "requests_per_minute = 1000000\n",
                                 "[chunking]\nmax_tokens = 64\noverlap_tokens = 0\n"
                                 "[commit]\nspill = \"64KiB\"\n"));  // of 2,600 times 32 bytes
  const std::vector<std::string> command{"run",      "--dataset", "long",
                                         "--config", config,      w.documents()};
  const auto killed = w.start(command);
  ASSERT_TRUE(eventually([&] { return server.count().requests >= 2300; }));
  server.set_latency(std::chrono::minutes{1});  // until what was answered is saved
  ASSERT_TRUE(eventually([&] { return w.sql("select count(*) > 7 from checkpoints") == "t"; }));
  killed->signal(SIGKILL);
  killed->wait();
  ASSERT_EQ(number_at(w.json({"status", "long"}), "ready"), 0)
      << "it was over before it was killed";
  const auto before = server.count().requests;
  server.set_latency(std::chrono::milliseconds{3});

  const auto resumed = w.run(command);
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  const auto lines = lines_of(w.run({"export", "long"}).out);
  EXPECT_GE(lines.size(), before) << "one request a chunk";
  // What was in flight, and what had been answered and not yet been saved: two slices of 256.
  EXPECT_LE(server.count().requests, lines.size() + 512) << "killed after " << before;
  for (const auto& line : lines) {
    const auto row = parse_json(line);
    const auto expected = fake_embedding(row["text"].GetString(), 8);
    ASSERT_EQ(row["embedding"].Size(), expected.size());
    for (rapidjson::SizeType i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(row["embedding"][i].GetDouble(), expected[i], 1e-6) << line;
  }
  EXPECT_EQ(w.sql("select count(*) from checkpoints"), "0");
}

// The second life has an extractor that can read nothing: what was read is not read again.
TEST(interrupted_document, a_long_one_is_not_read_again) {
  fake_embedding_config server_config;
  server_config.latency = std::chrono::milliseconds{10};
  fake_embedding_server server{std::move(server_config)};
  workspace w;
  std::vector<std::string> pages;
  for (int page = 0; page < 600; ++page) {
    std::string text;
    for (int line = 0; line < 10; ++line)
      text +=
          "page " + std::to_string(page) + " line " + std::to_string(line) + " of a long report\n";
    pages.push_back(text);
  }
  w.add_document("long.pdf", make_pdf(pages));
  const auto config = w.add_config(
      remote_config(server.base_url(), 1, "requests_per_minute = 1000000\nconcurrency = 1\n",
                    "[chunking]\nmax_tokens = 64\noverlap_tokens = 0\n"));
  const std::vector<std::string> command{"run",      "--dataset", "long",
                                         "--config", config,      w.documents()};
  const auto killed = w.start(command);
  ASSERT_TRUE(eventually([&] { return server.count().requests >= 256; })) << killed->err();
  const auto kinds = "select string_agg(distinct kind, ' ') from checkpoints";
  ASSERT_TRUE(eventually([&] { return w.sql(kinds) == "embeddings pages"; })) << w.sql(kinds);
  killed->signal(SIGKILL);
  killed->wait();
  ASSERT_EQ(w.sql(kinds), "embeddings pages") << "it was over before it was killed";

  w.environment["MILLRACE_EXTRACTOR"] = "/bin/false";
  const auto resumed = w.run(command);
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(w.sql("select status || ' ' || pages || ' ' || mime from documents"),
            "ready 600 application/pdf");
  const auto exported = w.run({"export", "long"}).out;
  for (const auto* text : {"page 0 line 0 of", "page 300 line 5 of", "page 599 line 9 of"})
    EXPECT_NE(exported.find(text), std::string::npos) << text;
}

}  // namespace
}  // namespace millrace
