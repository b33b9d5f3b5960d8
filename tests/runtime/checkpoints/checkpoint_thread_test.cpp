#include "runtime/checkpoints/checkpoint_thread.hpp"

#include <fstream>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/checkpoints/segment.hpp"
#include "runtime/core/sha256.hpp"
#include "tests/runtime/queue/seeded_queue.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

saved_pieces loaded(checkpoint_thread& thread, std::int64_t document, const std::string& path) {
  std::promise<saved_pieces> answer;
  thread.load({document, path, "options", "model"},
              [&](saved_pieces p) { answer.set_value(std::move(p)); });
  return answer.get_future().get();
}

TEST(checkpoint_thread, what_is_saved_is_loaded_for_the_same_bytes_and_counted) {
  test_database db;
  seed_dataset(db, "d", 1);
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto l = must(q.claim(planner, 1)).at(0);
  const temporary_directory folder;
  const auto path = (folder.path() / "document.txt").native();
  std::ofstream{path} << "bytes";
  const auto key = checkpoint_key(sha256_hex("bytes"), "options", "model");
  const auto counters = std::make_shared<metrics>();
  checkpoint_thread thread{{db.pool(), {100_MiB, 2_GiB}, std::chrono::hours{2}}, counters};
  const auto content = encode_embeddings(std::vector<embedding_bytes>{"a", "b"});
  thread.save({l.token, l.document_id, key, piece_kind::embeddings, 0, content});
  EXPECT_THAT(loaded(thread, l.document_id, path).embeddings, SizeIs(1));
  EXPECT_GT(counters->checkpoint_bytes_total.Value(), 0);
  thread.save({4711, l.document_id, key, piece_kind::embeddings, 2, content});
  EXPECT_THAT(loaded(thread, l.document_id, path).embeddings, SizeIs(1));
  EXPECT_EQ(counters->stale_tokens_total.Value(), 1);
  std::ofstream{path} << "other bytes";
  EXPECT_THAT(loaded(thread, l.document_id, path).embeddings, IsEmpty());
  EXPECT_THAT(loaded(thread, l.document_id, path + ".gone").embeddings, IsEmpty());
}

TEST(checkpoint_thread, more_than_may_wait_is_skipped_and_counted) {
  connection_pool nowhere{"host=/nowhere", {}, "test"};
  const auto counters = std::make_shared<metrics>();
  checkpoint_thread thread{{nowhere, {100_MiB, 2_GiB}, std::chrono::hours{2}}, counters};
  thread.save(
      {1, 1, "key", piece_kind::pages, 0, std::string(checkpoint_thread::max_waiting_bytes, 'x')});
  EXPECT_EQ(counters->checkpoints_skipped_total.Value(), 1);
}

TEST(checkpoint_thread, without_a_database_all_is_made_again) {
  connection_pool nowhere{"host=/nowhere", {}, "test"};
  checkpoint_thread thread{{nowhere, {100_MiB, 2_GiB}, std::chrono::hours{2}},
                           std::make_shared<metrics>()};
  EXPECT_THAT(loaded(thread, 1, "/proc/self/exe").embeddings, IsEmpty());
}

}  // namespace
}  // namespace millrace
