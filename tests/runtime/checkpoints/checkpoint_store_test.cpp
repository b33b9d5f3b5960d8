#include "runtime/checkpoints/checkpoint_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/checkpoints/segment.hpp"
#include "runtime/commit/group_commit.hpp"
#include "tests/runtime/queue/seeded_queue.hpp"

namespace millrace {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class stored : public ::testing::Test {
 protected:
  stored() {
    seed_dataset(db, "d", 2);
    claim_planner planner;
    leases = must(q.claim(planner, 2));
  }

  static constexpr duration visible = std::chrono::hours{2};
  checkpoint_store store(byte_size max_size = 100_MiB, byte_size max_total = 2_GiB) {
    return {db.pool(), {max_size, max_total}, visible};
  }
  checkpoint_order order(std::size_t first, const lease& l, const std::string& text = "e") const {
    const std::vector<embedding_bytes> embeddings{text + "1", text + "2"};
    return {
        l.token, l.document_id, key, piece_kind::embeddings, first, encode_embeddings(embeddings)};
  }
  std::string rows() { return db.query("select count(*) from checkpoints"); }

  test_database db;
  queue q{db.pool(), {}, seed_node(db, "a")};
  std::vector<lease> leases;
  std::string key = checkpoint_key("content", "options", "model");
};

TEST_F(stored, pieces_come_back_in_order_under_their_key_only) {
  auto s = store();
  ASSERT_EQ(must(s.save(order(2, leases[0], "b"))).outcome, checkpoint_outcome::saved);
  ASSERT_EQ(must(s.save(order(0, leases[0], "a"))).outcome, checkpoint_outcome::saved);
  const auto pieces = must(s.load(leases[0].document_id, key));
  EXPECT_EQ(pieces.key, key);
  ASSERT_THAT(pieces.embeddings, SizeIs(2));
  EXPECT_EQ(pieces.embeddings.at(0), (std::vector<embedding_bytes>{"a1", "a2"}));
  EXPECT_EQ(pieces.embeddings.at(2), (std::vector<embedding_bytes>{"b1", "b2"}));
  EXPECT_THAT(must(s.load(leases[1].document_id, key)).embeddings, IsEmpty());
  const auto other = checkpoint_key("changed content", "options", "model");
  EXPECT_THAT(must(s.load(leases[0].document_id, other)).embeddings, IsEmpty());
}

TEST_F(stored, every_kind_has_its_place_and_a_claim_says_that_there_are_some) {
  auto s = store();
  extracted_document document;
  document.mime = "text/plain";
  document.sha256 = std::string(64, 'a');
  for (int i = 0; i < 3; ++i)
    document.elements.push_back(
        {element_kind::paragraph, 0, 1, std::to_string(i) + std::string(piece_bytes, 'x'), {}});
  const auto pages = encode_extraction(document);
  ASSERT_GE(pages.size(), 3U);
  const auto save = [&](piece_kind kind, std::size_t number, const std::string& content) {
    const auto saved =
        must(s.save({leases[0].token, leases[0].document_id, key, kind, number, content}));
    EXPECT_EQ(saved.outcome, checkpoint_outcome::saved);
    return saved.document_bytes;
  };
  for (std::size_t i = 0; i < pages.size(); ++i) save(piece_kind::pages, i, pages[i]);
  const std::vector<described_image> images{
      {{1, {std::string(64, 'c'), "", 1, 1, 1}, "lock"}, true}};
  save(piece_kind::images, 0, encode_images(images));
  must(s.save(order(0, leases[0])));
  const auto sum = save(piece_kind::images, 64, encode_images({}));
  EXPECT_EQ(std::to_string(sum), db.query("select sum(size) from checkpoints"));

  const auto found = must(s.load(leases[0].document_id, key));
  ASSERT_TRUE(found.extraction.document);
  EXPECT_EQ(found.extraction.document->elements.size(), 3U);
  ASSERT_THAT(found.images, SizeIs(1));
  EXPECT_EQ(found.images.at(std::string(64, 'c')).image.text, "lock");
  EXPECT_THAT(found.embeddings, SizeIs(1));

  db.execute("delete from checkpoints where kind = 'pages' and piece = 1");
  const auto fewer = must(s.load(leases[0].document_id, key));
  EXPECT_FALSE(fewer.extraction.document) << "a part of an extraction is none";
  EXPECT_THAT(fewer.images, SizeIs(1));

  EXPECT_FALSE(leases[0].has_checkpoints);
  must(q.release({{leases[0].token}, {leases[1].token}}, release_reason::drained));
  claim_planner planner;
  for (const auto& l : must(q.claim(planner, 2)))
    EXPECT_EQ(l.has_checkpoints, l.document_id == leases[0].document_id);
}

TEST_F(stored, pages_that_are_saved_forget_the_failures_before_them) {
  const auto failures = [&] {
    return db.query("select failures from queue_leases where token = " +
                    std::to_string(leases[0].token));
  };
  db.execute("update queue_leases set failures = 3");
  auto s = store();
  const finished_pages pages{std::string(64, 'a'), 10, 0, 5, {}};
  must(s.save(order(0, leases[0])));
  EXPECT_EQ(failures(), "3") << "embeddings say nothing about the parser";
  checkpoint_store full{db.pool(), {.max_size = {1}}, std::chrono::hours{2}};
  const checkpoint_order of_pages{
      leases[0].token, leases[0].document_id, key, piece_kind::pages, 0, encode_pages(pages)};
  EXPECT_EQ(must(full.save(of_pages)).outcome, checkpoint_outcome::skipped);
  EXPECT_EQ(failures(), "3") << "nothing was saved";
  EXPECT_EQ(must(s.save(of_pages)).outcome, checkpoint_outcome::saved);
  EXPECT_EQ(failures(), "0");
}

TEST_F(stored, only_the_holder_of_the_token_saves) {
  auto s = store();
  must(q.release({{leases[0].token}}, release_reason::lost));
  EXPECT_EQ(must(s.save(order(0, leases[0]))).outcome, checkpoint_outcome::stale);
  auto of_another = order(0, leases[1]);
  of_another.document_id = leases[0].document_id;
  EXPECT_EQ(must(s.save(of_another)).outcome, checkpoint_outcome::stale);
  EXPECT_EQ(rows(), "0");
}

TEST_F(stored, saving_is_progress_and_extends_the_lease) {
  db.execute("update queue_leases set deadline = now() - interval '1 s'");
  must(store().save(order(0, leases[0])));
  EXPECT_EQ(must(q.reap({std::chrono::seconds{15}})), 1) << "the other one";
}

TEST_F(stored, what_is_over_a_limit_is_skipped_and_the_rest_is_kept) {
  const auto large = std::string(2000, 'x') + std::to_string(leases[0].token);
  auto first = order(0, leases[0], "small");
  const auto size = must(store().save(first)).bytes;
  auto tight = store(byte_size{size}, 2_GiB);
  EXPECT_EQ(must(tight.save(order(2, leases[0]))).outcome, checkpoint_outcome::skipped);
  EXPECT_EQ(must(tight.save(first)).outcome, checkpoint_outcome::saved) << "it replaces itself";
  auto full = store(100_MiB, byte_size{size});
  EXPECT_EQ(must(full.save(order(0, leases[1]))).outcome, checkpoint_outcome::skipped);
  EXPECT_EQ(rows(), "1");
}

TEST_F(stored, damaged_segments_are_left_out) {
  auto s = store();
  must(s.save(order(0, leases[0])));
  must(s.save(order(2, leases[0])));
  must(s.save(order(4, leases[0])));
  db.execute("update checkpoints set segment = substring(segment for 12) where piece = 0");
  db.execute(
      "update checkpoints set segment = set_byte(segment, 10, get_byte(segment, 10) # 1) "
      "where piece = 4");
  const auto pieces = must(s.load(leases[0].document_id, key));
  ASSERT_THAT(pieces.embeddings, SizeIs(1));
  EXPECT_TRUE(pieces.embeddings.contains(2));
}

TEST_F(stored, a_commit_removes_them_and_a_sweep_what_was_left_behind) {
  auto s = store();
  must(s.save(order(0, leases[0])));
  must(s.save(order(0, leases[1])));
  std::vector<document_result> group(1);
  group[0].token = leases[0].token;
  group[0].document_id = leases[0].document_id;
  group[0].dataset_id = leases[0].dataset_id;
  must(commit_group(db.pool(), "a", group));
  EXPECT_EQ(rows(), "1");
  EXPECT_EQ(must(s.sweep()), 0) << "the other document is still in work";
  db.execute("update documents set status = 'cancelled'");
  EXPECT_EQ(must(s.sweep()), 1);
}

}  // namespace
}  // namespace millrace
