// A node under many documents: those of a small dataset do not wait behind a large one, and
// documents in flight are not connections.
#include <random>

#include "tests/integration/live_node.hpp"
#include "tests/support/embedding/fake_embedding_server.hpp"
#include "tests/support/zip_file.hpp"

namespace millrace {
namespace {

class many_documents : public ::testing::Test {
 protected:
  workspace w;

  std::string settings_for(const fake_embedding_server& server, int concurrency) {
    const auto n = std::to_string(concurrency);
    return "[documents]\nconcurrency = " + n +
           "\n[embedder]\nprovider = \"openai\"\nmodel = \"m\"\ndimensions = 8\nmax_inputs = 1\n"
           "requests_per_minute = 1000000\ntokens_per_minute = 100000000\napi_key_env = "
           "\"\"\nconcurrency = " +
           n + "\nbase_url = \"" + server.base_url() + "\"\n[credits]\ninitial_grant = 1000000\n";
  }
  std::string folder(const std::string& name, int documents) {
    for (int i = 0; i < documents; ++i)
      w.add_document(name + "/" + std::to_string(i) + ".txt",
                     name + " " + std::to_string(i) + " in a few words\n");
    return "file://" + w.documents() + "/" + name;
  }
  static void submit(const live_node& node, const std::string& name, const std::string& uri) {
    const auto r =
        node.post("/v1/datasets", R"({"name":")" + name + R"(","uris":[")" + uri + R"("]})");
    ASSERT_EQ(r.status, 201) << r.body;
  }
  static std::int64_t ready(const live_node& node, const std::string& dataset) {
    return node.json("/v1/datasets/" + dataset)["ready"].GetInt64();
  }
};

fake_embedding_config slow(std::chrono::milliseconds latency) {
  fake_embedding_config config;
  config.latency = latency;
  return config;
}

TEST_F(many_documents, ten_documents_do_not_wait_behind_twenty_one_thousand) {
  constexpr int concurrency = 50;
  fake_embedding_server server{slow(std::chrono::milliseconds{50})};
  const auto large = folder("large", 21'000);
  const auto small = folder("small", 10);
  const live_node node{w, "fair", settings_for(server, concurrency)};
  submit(node, "large", large);
  ASSERT_TRUE(eventually([&] { return ready(node, "large") > 2 * concurrency; }));
  const auto before = server.count().requests;
  const auto submitted_at = std::chrono::steady_clock::now();
  submit(node, "small", small);
  ASSERT_TRUE(eventually([&] { return ready(node, "small") == 10; })) << node.process->err();
  const auto passed = server.count().requests - before;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - submitted_at;
  RecordProperty("seconds", std::to_string(took.count()));
  std::cout << "ten documents behind 21,000: " << took.count() << " s, " << passed
            << " requests meanwhile\n";
  // What was in work and claimed ahead goes first, then each dataset has every other turn. 3 s of
  // 50 slots would be 3,000 requests.
  EXPECT_LT(passed, 3'000U);
  EXPECT_LT(ready(node, "large"), 21'000);
  node.process->signal(SIGKILL);
  node.process->wait();
}

TEST_F(many_documents, a_thousand_in_flight_need_eight_connections) {
  constexpr int documents = 1'000;
  fake_embedding_server server{slow(std::chrono::seconds{3})};
  const auto uri = folder("wide", documents);
  const live_node node{w, "wide", settings_for(server, documents),
                       "pool_size = 8\nmax_overflow = 0\n"};
  submit(node, "wide", uri);
  ASSERT_TRUE(eventually([&] { return server.count().in_flight == documents; }))
      << server.count().max_in_flight;
  ASSERT_TRUE(eventually([&] { return ready(node, "wide") == documents; })) << node.process->err();
  EXPECT_EQ(server.count().max_in_flight, static_cast<std::uint64_t>(documents));
  const auto connections = node.metric("millrace_db_connections{state=\"peak\"}");
  EXPECT_GT(connections, 0);
  EXPECT_LE(connections, 8);
  EXPECT_EQ(node.json("/v1/datasets/wide")["failed"].GetInt64(), 0);
  node.process->signal(SIGTERM);
  EXPECT_EQ(node.process->wait().exit_code, 0);
}

/// A Word document of so many pictures, each with its own text of `length` letters that hardly
/// compress.
std::string picture_book(int pictures, std::size_t length) {
  std::mt19937 random{1};
  std::vector<docx_picture> made;
  for (int i = 0; i < pictures; ++i) {
    std::string text;
    while (text.size() < length) text += std::to_string(random()) + " ";
    // A PNG's signature and header: 100 by 100 pixels.
    const std::string header{"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x64\0\0\0\x64\x08\x02\0\0\0", 29};
    made.push_back({std::move(text), header + std::to_string(i)});
  }
  return make_picture_docx(made);
}

TEST_F(many_documents, six_hundred_images_over_the_limit_of_checkpoints_go_through) {
  fake_embedding_server server{slow(std::chrono::milliseconds{0})};
  w.add_document("pictures.docx", picture_book(600, 6'000));
  const live_node node{w, "pictures",
                       settings_for(server, 8) + "[checkpoints]\nmax_size = \"1MiB\"\n"};
  submit(node, "pictures", "file://" + w.documents() + "/pictures.docx");
  ASSERT_TRUE(eventually([&] { return ready(node, "pictures") == 1; })) << node.process->err();
  const auto documents = node.json("/v1/datasets/pictures/documents");
  EXPECT_EQ(documents["documents"][0]["images"].GetInt(), 600);
  EXPECT_GT(node.metric("millrace_checkpoints_skipped_total"), 0);
  EXPECT_GT(node.metric("millrace_checkpoint_bytes_total"), 500'000);
  EXPECT_LT(node.metric("millrace_checkpoint_bytes_total"), 1'100'000);
  EXPECT_GT(node.metric("millrace_checkpoint_document_bytes_count"), 1);
  node.process->signal(SIGTERM);
  EXPECT_EQ(node.process->wait().exit_code, 0);
}

}  // namespace
}  // namespace millrace
