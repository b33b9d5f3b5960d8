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
    return {l.token, l.document_id, key, {first, {text + "1", text + "2"}}};
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
  ASSERT_THAT(pieces, SizeIs(2));
  EXPECT_EQ(pieces[0].first_chunk, 0U);
  EXPECT_EQ(pieces[1].embeddings, (std::vector<embedding_bytes>{"b1", "b2"}));
  EXPECT_THAT(must(s.load(leases[1].document_id, key)), IsEmpty());
  const auto other = checkpoint_key("changed content", "options", "model");
  EXPECT_THAT(must(s.load(leases[0].document_id, other)), IsEmpty());
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
  EXPECT_EQ(must(q.reap(std::chrono::seconds{15})), 1) << "the other one";
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
  ASSERT_THAT(pieces, SizeIs(1));
  EXPECT_EQ(pieces[0].first_chunk, 2U);
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
