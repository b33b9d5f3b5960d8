#include "runtime/extraction/extractor_pool.hpp"

#include <map>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "runtime/core/sha256.hpp"
#include "tests/runtime/extraction/pool_fixture.hpp"

namespace millrace::extraction {
namespace {

using ::testing::HasSubstr;

class extractor_pool_of : public pool_fixture {};

TEST_F(extractor_pool_of, real_extractors_read_a_text_and_hash_its_bytes) {
  config_.executable = REAL_EXTRACTOR;
  extractor_pool pool{config_};
  const std::string text = "The mill turns with the water.";
  const auto read = extract(pool, document(text));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->mime, "text/plain");
  EXPECT_EQ(read->sha256, sha256_hex(text));
  EXPECT_EQ(read->size, text.size());
  EXPECT_EQ(text_of(read), text);
}

TEST_F(extractor_pool_of, real_extractors_answer_each_document_with_its_own_text) {
  config_.executable = REAL_EXTRACTOR;
  config_.settings.processes = 2;
  extractor_pool pool{config_};
  std::vector<std::string> paths;
  for (int i = 0; i < 1000; ++i)
    paths.push_back(document("This is document number " + std::to_string(i) + "."));
  const auto outcomes = ask(pool, paths)->wait();
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    EXPECT_EQ(text_of(outcomes[i]), "This is document number " + std::to_string(i) + ".");
  EXPECT_EQ(pool.stats().documents, 1000U);
  EXPECT_LT(pool.stats().frames, 500U);
  EXPECT_EQ(pool.stats().waiting, 0);
}

TEST_F(extractor_pool_of, large_documents_travel_alone_and_arrive_whole) {
  extractor_pool pool{config_};
  const std::string text(5'000'000, 'x');
  const auto outcomes =
      ask(pool, {document(text), document(std::string(70'000, 'y')), document("small")})->wait();
  EXPECT_EQ(text_of(outcomes[0]), text);
  EXPECT_EQ(outcomes[0]->sha256, sha256_hex(text));
  EXPECT_EQ(text_of(outcomes[1]).size(), 70'000U);
  EXPECT_EQ(text_of(outcomes[2]), "small");
  EXPECT_EQ(pool.stats().frames, 3U);
}

TEST_F(extractor_pool_of, a_parsers_failure_keeps_its_code_and_sentence) {
  extractor_pool pool{config_};
  const auto failed = extract(pool, document("encrypted"));
  EXPECT_EQ(code_of(failed), ec::encrypted_document);
  EXPECT_EQ(failed.error().message, "it has a password");
}

TEST_F(extractor_pool_of, more_text_than_allowed_is_refused_whatever_the_parser_does) {
  config_.settings.max_text = 1_MiB;
  extractor_pool pool{config_};
  EXPECT_EQ(text_of(extract(pool, document("long 1048576"))).size(), 1'048'576U);
  EXPECT_EQ(code_of(extract(pool, document("long 1048577"))), ec::extraction_crashed);
}

TEST_F(extractor_pool_of, what_is_not_a_readable_file_is_told_apart) {
  extractor_pool pool{config_};
  const auto pipe = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto outcomes = ask(pool, {(directory_ / "gone").string(), pipe.string(),
                                   directory_.string(), "/dev/null", document("")})
                            ->wait();
  EXPECT_EQ(code_of(outcomes[0]), ec::source_missing);
  EXPECT_EQ(code_of(outcomes[1]), ec::source_unreadable);
  EXPECT_EQ(code_of(outcomes[2]), ec::source_unreadable);
  EXPECT_EQ(code_of(outcomes[3]), ec::source_unreadable);
  EXPECT_EQ(code_of(outcomes[4]), ec::none);  // an empty file is a document
}

TEST_F(extractor_pool_of, processes_are_replaced_after_their_number_of_documents) {
  config_.settings.documents_per_process = 10;
  extractor_pool pool{config_};
  std::vector<std::string> paths;
  for (int i = 0; i < 35; ++i) paths.push_back(document("pid"));
  std::map<std::string, int> served;
  for (const auto& o : ask(pool, paths)->wait()) ++served[text_of(o)];
  EXPECT_EQ(served.size(), 4U);
  for (const auto& [pid, count] : served) EXPECT_LE(count, 10) << pid;
  EXPECT_EQ(pool.stats().crashes, 0U);
}

TEST_F(extractor_pool_of, a_tight_budget_is_never_exceeded_and_serves_everyone) {
  config_.settings.processes = 4;
  config_.settings.memory_budget = "1100MiB";  // two of the lowest cap, or one of memory_small
  extractor_pool pool{config_};
  const std::uint64_t budget = 1100ULL << 20;
  std::vector<std::string> paths;
  for (int i = 0; i < 60; ++i)
    paths.push_back(document(i % 20 == 0 ? std::string(1'200'000, 'x') : "sleep 5"));
  auto collected = std::make_shared<answers>(paths.size());
  std::atomic<std::uint64_t> peak{0};
  for (std::size_t i = 0; i < paths.size(); ++i)
    pool.extract({paths[i], 0}, [&, collected, i](outcome o) {
      for (std::uint64_t seen = pool.stats().memory_bytes, old = peak; seen > old;)
        if (peak.compare_exchange_weak(old, seen)) break;
      collected->set(i, std::move(o));
    });
  for (const auto& o : collected->wait()) EXPECT_TRUE(o) << o.error().message;
  EXPECT_GT(peak, 0U);
  EXPECT_LE(peak, budget);
}

}  // namespace
}  // namespace millrace::extraction
