// `millrace run` and the commands that read afterwards, on the project's sample documents and on
// a folder that changes.
#include <map>
#include <set>

#include "runtime/core/error.hpp"
#include "tests/integration/workspace.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;
using ::testing::Test;

constexpr std::int64_t cost = 10;
constexpr std::int64_t first_grant = 1'000'000;

std::int64_t count_samples() {
  std::int64_t n = 0;
  for (const auto& entry : fs::recursive_directory_iterator{MILLRACE_TEST_DATA})
    n += entry.is_regular_file() && !entry.path().filename().native().starts_with(".") ? 1 : 0;
  return n;
}

std::set<std::string> exported_texts(const workspace& w, const std::string& dataset) {
  std::set<std::string> texts;
  for (const auto& line : lines_of(w.run({"export", dataset}).out))
    texts.insert(parse_json(line)["text"].GetString());
  return texts;
}

/// One run over tests/data, which the tests only read.
class samples_run : public Test {
 protected:
  static void SetUpTestSuite() {
    corner = new workspace;
    done = new outcome{corner->run({"run", "--json", "--dataset", "samples", MILLRACE_TEST_DATA})};
    server_left = server_runs(corner->data());
  }
  static void TearDownTestSuite() {
    delete done;
    delete corner;
  }

  static rapidjson::Document report() { return parse_json(done->out); }

  static inline workspace* corner = nullptr;
  static inline outcome* done = nullptr;
  static inline bool server_left = false;
};

TEST_F(samples_run, ends_with_3_and_one_json_object_on_stdout) {
  EXPECT_EQ(done->exit_code, 3) << done->err;
  EXPECT_EQ(lines_of(done->out).size(), 1U) << done->out;
  const auto json = report();
  ASSERT_TRUE(json.IsObject());
  EXPECT_STREQ(json["dataset"].GetString(), "samples");
  for (const char* number : {"chunks", "images", "tokens"}) EXPECT_GE(number_at(json, number), 0);
  EXPECT_GT(json["elapsed_seconds"].GetDouble(), 0);
  EXPECT_GT(json["documents_per_second"].GetDouble(), 0);
  EXPECT_FALSE(server_left) << "PostgreSQL outlived the run";
}

TEST_F(samples_run, accounts_for_every_file) {
  const auto json = report();
  EXPECT_EQ(number_at(json, "documents.total"), count_samples());
  EXPECT_EQ(number_at(json, "documents.ready") + number_at(json, "documents.failed"),
            count_samples());
  EXPECT_GE(number_at(json, "documents.ready"), 20);
  EXPECT_EQ(number_at(json, "documents.unchanged"), 0);
  std::set<std::string> failed;
  for (const auto& f : json["failures"].GetArray()) {
    failed.insert(f["uri"].GetString());
    EXPECT_NE(ec_from_string(f["code"].GetString()), ec::none) << f["code"].GetString();
    EXPECT_GT(f["message"].GetStringLength(), 20U) << f["uri"].GetString();
  }
  EXPECT_EQ(static_cast<std::int64_t>(failed.size()), number_at(json, "documents.failed"));
}

TEST_F(samples_run, says_what_is_wrong_with_broken_and_encrypted_files) {
  std::map<std::string, std::string> codes;
  const auto json = report();
  for (const auto& f : json["failures"].GetArray())
    codes[fs::path{f["uri"].GetString()}.filename()] = f["code"].GetString();
  EXPECT_EQ(codes["password.pdf"], "encrypted_document");
  EXPECT_EQ(codes["password.docx"], "encrypted_document");
  EXPECT_EQ(codes["truncated.pdf"], "malformed_document");
  EXPECT_EQ(codes["bomb.docx"], "limit_exceeded");
  EXPECT_EQ(codes["archive.zip"], "unsupported_format");
  EXPECT_FALSE(codes.contains("empty.txt")) << "an empty file is ready, with no chunks";
}

TEST_F(samples_run, charges_what_is_ready_and_refunds_what_failed) {
  const auto json = report();
  const auto ready = number_at(json, "documents.ready");
  EXPECT_EQ(number_at(json, "credits.charged"), cost * count_samples());
  EXPECT_EQ(number_at(json, "credits.charged") - number_at(json, "credits.refunded"), cost * ready);
  EXPECT_EQ(number_at(corner->json({"credits", "balance"}), "balance"), first_grant - cost * ready);
  std::int64_t sum = 0;
  std::map<std::string, int> types;
  const auto history = corner->json({"credits", "history"});
  for (const auto& t : history["transactions"].GetArray()) {
    sum += t["amount"].GetInt64();
    ++types[t["type"].GetString()];
  }
  EXPECT_EQ(sum, first_grant - cost * ready);
  EXPECT_EQ(types["grant"], 1);
  EXPECT_EQ(types["batch_deduction"], 1);
}

TEST_F(samples_run, is_what_status_and_documents_show_afterwards) {
  const auto json = report();
  const auto status = corner->json({"status", "samples"});
  EXPECT_STREQ(status["status"].GetString(), "ready");
  for (const char* number : {"total", "ready", "failed"})
    EXPECT_EQ(number_at(status, number), number_at(json, std::string{"documents."} + number));
  EXPECT_EQ(number_at(status, "chunks"), number_at(json, "chunks"));
  EXPECT_EQ(number_at(status, "remaining"), 0);
  for (const char* state : {"ready", "failed"}) {
    const auto list = corner->json({"documents", "samples", "--limit", "1000", "--status", state});
    EXPECT_EQ(list["documents"].Size(), number_at(json, std::string{"documents."} + state));
    for (const auto& d : list["documents"].GetArray()) EXPECT_STREQ(d["status"].GetString(), state);
  }
  const auto text = corner->run({"status"});
  EXPECT_NE(text.out.find("samples"), std::string::npos) << text.out;
}

TEST_F(samples_run, is_exported_one_chunk_a_line) {
  const auto done_export = corner->run({"export", "samples"});
  ASSERT_EQ(done_export.exit_code, 0) << done_export.err;
  const auto lines = lines_of(done_export.out);
  EXPECT_EQ(static_cast<std::int64_t>(lines.size()), number_at(report(), "chunks"));
  std::set<std::pair<std::string, int>> places;
  for (const auto& line : lines) {
    const auto chunk = parse_json(line);
    EXPECT_STREQ(chunk["dataset"].GetString(), "samples");
    EXPECT_EQ(chunk["embedding"].Size(), 256U);
    EXPECT_GT(chunk["text"].GetStringLength(), 0U);
    places.emplace(chunk["uri"].GetString(), chunk["ordinal"].GetInt());
  }
  EXPECT_EQ(places.size(), lines.size()) << "a chunk stands twice";
  EXPECT_EQ(corner->sql("select count(*) from chunks_v1 where dataset = 'samples'"),
            std::to_string(lines.size()));
}

TEST_F(samples_run, can_be_searched) {
  const auto found =
      corner->json({"search", "samples", "keepers of the lighthouse", "--limit", "3"});
  ASSERT_EQ(found["results"].Size(), 3U);
  double before = 2;
  bool lighthouse = false;
  for (const auto& hit : found["results"].GetArray()) {
    EXPECT_LE(hit["score"].GetDouble(), before) << "the nearest comes first";
    before = hit["score"].GetDouble();
    lighthouse |= std::string{hit["uri"].GetString()}.ends_with("/lighthouse.html");
  }
  EXPECT_TRUE(lighthouse);
  EXPECT_EQ(corner->run({"search", "samples", "water"}).exit_code, 0);
}

TEST_F(samples_run, leaves_its_actors_its_node_and_an_empty_queue_to_look_at) {
  std::map<std::string, int> roles;
  const auto actors = corner->json({"actors"});
  for (const auto& a : actors.GetArray()) ++roles[a["role"].GetString()];
  EXPECT_EQ(roles["document"], 100);
  EXPECT_EQ(roles.size(), 11U);
  const auto nodes = corner->run({"nodes"});
  EXPECT_NE(nodes.out.find("stopped"), std::string::npos) << nodes.out;
  const auto queue = corner->json({"queue"});
  for (const char* state : {"ready", "delayed", "leased"}) EXPECT_EQ(number_at(queue, state), 0);
  const auto db = corner->json({"db", "status"});
  EXPECT_EQ(number_at(db, "database_version"), number_at(db, "binary_version"));
  EXPECT_EQ(db["pending"].Size(), 0U);
  EXPECT_FALSE(server_runs(corner->data())) << "a reading command left PostgreSQL running";
}

TEST_F(samples_run, an_unknown_dataset_is_answered_with_those_that_exist) {
  for (const auto& command : std::vector<std::vector<std::string>>{{"status", "simples"},
                                                                   {"documents", "simples"},
                                                                   {"export", "simples"},
                                                                   {"search", "simples", "x"}}) {
    const auto answer = corner->run(command);
    EXPECT_EQ(answer.exit_code, 1);
    EXPECT_EQ(answer.out, "");
    EXPECT_NE(answer.err.find("`samples`"), std::string::npos) << answer.err;
  }
}

TEST(config_command, what_show_prints_is_checked_and_shown_again_the_same) {
  const workspace w;
  const auto shown = w.run({"config", "show"});
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  const auto file = w.add_config(shown.out);
  EXPECT_EQ(w.run({"config", "check", file}).exit_code, 0);
  EXPECT_EQ(w.run({"config", "show", "--config", file}).out, shown.out);
  EXPECT_FALSE(fs::exists(w.data())) << "looking at a config starts nothing";
}

TEST(extract_command, prints_the_elements_of_one_file_without_a_database) {
  const workspace w;
  const auto done = w.run({"extract", MILLRACE_TEST_DATA "/lighthouse.html"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_NE(done.out.find("Gull Rock"), std::string::npos);
  const auto broken = w.run({"extract", MILLRACE_TEST_DATA "/password.pdf"});
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_NE(broken.err.find("password"), std::string::npos) << broken.err;
  EXPECT_FALSE(fs::exists(w.data()));
}

/// Five good documents and a broken one.
class dataset_in_step : public Test {
 protected:
  void SetUp() override {
    w.add_documents(5);
    w.add_document("broken.bin", std::string("\x01\x02\x00\xff\xfe\x7f\x00\x03", 8));
    const auto first = update({w.documents()});
    ASSERT_EQ(number_at(first, "documents.ready"), 5);
    ASSERT_EQ(number_at(first, "documents.failed"), 1);
  }
  rapidjson::Document update(std::vector<std::string> more) {
    more.insert(more.begin(), {"run", "--dataset", "folder"});
    return w.json(std::move(more));
  }
  workspace w;
};

TEST_F(dataset_in_step, repeating_a_run_skips_and_charges_nothing_that_is_ready) {
  const auto again = update({w.documents()});
  EXPECT_EQ(number_at(again, "documents.unchanged"), 5);
  EXPECT_EQ(number_at(again, "documents.ready"), 0);
  EXPECT_EQ(number_at(again, "documents.failed"), 1) << "what failed is tried again";
  EXPECT_EQ(number_at(again, "credits.charged") - number_at(again, "credits.refunded"), 0);
  EXPECT_EQ(number_at(again, "chunks"), 5);
  EXPECT_EQ(number_at(w.json({"credits", "balance"}), "balance"), first_grant - 5 * cost);
}

TEST_F(dataset_in_step, a_changed_file_replaces_its_chunks_and_is_charged_again) {
  const auto before = exported_texts(w, "folder");
  w.add_document("d3.txt", "Altogether new words.\n");
  const auto changed = update({w.documents()});
  EXPECT_EQ(number_at(changed, "documents.unchanged"), 4);
  EXPECT_EQ(number_at(changed, "documents.ready"), 1);
  auto expected = before;
  EXPECT_EQ(expected.erase("Report 3 about mills and canals."), 1U);
  expected.insert("Altogether new words.");
  EXPECT_EQ(exported_texts(w, "folder"), expected);
  EXPECT_EQ(number_at(w.json({"credits", "balance"}), "balance"), first_grant - 6 * cost);
}

TEST_F(dataset_in_step, a_vanished_file_stays_until_prune_removes_it) {
  fs::remove(fs::path{w.documents()} / "d0.txt");
  EXPECT_EQ(number_at(update({w.documents()}), "chunks"), 5);
  const auto pruned = update({"--prune", w.documents()});
  EXPECT_EQ(number_at(pruned, "chunks"), 4);
  EXPECT_EQ(number_at(pruned, "documents.total"), 5);
  EXPECT_FALSE(exported_texts(w, "folder").contains("Report 0 about mills and canals."));
}

TEST_F(dataset_in_step, a_run_over_some_of_its_files_adds_up) {
  const auto part = update({(fs::path{w.documents()} / "d1.txt").native()});
  EXPECT_EQ(number_at(part, "documents.total"), number_at(part, "documents.ready") +
                                                    number_at(part, "documents.failed") +
                                                    number_at(part, "documents.unchanged"));
  EXPECT_EQ(part["failures"].Size(), number_at(part, "documents.failed"));
}

TEST(run_command, include_and_exclude_choose_files) {
  const workspace w;
  w.add_documents(12);
  w.add_document("notes.md", "# Notes\n\nNot a text file.\n");
  const auto done = w.json(
      {"run", "--dataset", "some", "--include", "*.txt", "--exclude", "d1*.txt", w.documents()});
  EXPECT_EQ(number_at(done, "documents.total"), 9);  // d0, d2 … d9
  EXPECT_EQ(number_at(done, "documents.ready"), 9);
}

TEST(run_command, reads_the_names_of_its_files_from_standard_input) {
  const workspace w;
  const auto first = w.add_document("with space.txt", "First.\n");
  const auto second = w.add_document("b.txt", "Second.\n");
  w.add_document("c.txt", "Not named.\n");
  const auto done =
      w.run({"run", "--json", "--dataset", "listed", "--files-from", "-"}, first + "\n" + second);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(number_at(parse_json(done.out), "documents.ready"), 2);
  EXPECT_EQ(exported_texts(w, "listed"), (std::set<std::string>{"First.", "Second."}));
}

TEST(run_command, prints_a_summary_for_people_with_failures_by_code) {
  const workspace w;
  w.add_documents(2);
  w.add_document("empty.txt", "");
  w.add_document("broken.bin", std::string("\x01\x02\x00\xff\xfe\x7f\x00\x03", 8));
  const auto done = w.run({"run", "--dataset", "mixed", w.documents()});
  EXPECT_EQ(done.exit_code, 3);
  EXPECT_NE(done.out.find("3 ready, 1 failed, 0 unchanged (4 in all)"), std::string::npos)
      << done.out;
  EXPECT_NE(done.out.find("unsupported_format (1)"), std::string::npos) << done.out;
  EXPECT_EQ(done.out.find('\r'), std::string::npos) << "plain lines where there is no terminal";
}

TEST(run_command, charges_nothing_where_credits_are_off) {
  const workspace w;
  w.add_documents(2);
  const auto config = w.add_config("[credits]\nenabled = false\n");
  const auto done = w.json({"run", "--config", config, w.documents()});
  EXPECT_EQ(number_at(done, "documents.ready"), 2);
  EXPECT_EQ(number_at(done, "credits.charged"), 0);
  EXPECT_EQ(w.sql("select count(*) from credit_transactions"), "0");
}

TEST(options, the_command_line_wins_over_the_environment) {
  workspace w;
  w.add_documents(1);
  const auto other = (w.path() / "other").native();
  w.environment["MILLRACE_DATA"] = other;
  const auto done = w.run({"run", "--json", "--data", w.data().native(), w.documents()});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_TRUE(fs::exists(w.data() / "postgres"));
  EXPECT_FALSE(fs::exists(other));
}

}  // namespace
}  // namespace millrace
