// Charged documents on their way through a node, and the results that it commits for them.
#pragma once

#include "runtime/commit/group_commit.hpp"
#include "runtime/embedding/embedding_encoding.hpp"
#include "tests/runtime/queue/seeded_queue.hpp"

namespace millrace {

inline constexpr int cost_of_one = 10;

struct commit_fixture {
  test_database db;
  std::int64_t dataset = 0;
  queue work;
  claim_planner planner;

  explicit commit_fixture(int documents)
      : dataset{seed_dataset(db, "d", documents)}, work{db.pool(), {}, seed_node(db, "a")} {
    db.execute("update credit_accounts set balance = 0; " + charge(documents));
  }

  std::vector<lease> claim(int want) { return must(work.claim(planner, want)); }

  /// Puts every document back, as a changed file does; the leases then held are void.
  void queue_again() {
    db.execute(
        "delete from queue_leases; update documents set status = 'queued'; insert into queue_ready "
        "(dataset_id, priority, run_at, document_id) select dataset_id, 0, now(), id from "
        "documents "
        "on conflict do nothing");
    planner.expire();
  }

  std::int64_t balance() const { return number(db, "select balance from credit_accounts"); }
  std::string progress() const {
    return db.query(
        "select (sum(ready), sum(failed), sum(chunks), sum(images), sum(tokens)) from "
        "dataset_progress");
  }
  std::int64_t count(const std::string& from) const {
    return number(db, "select count(*) from " + from);
  }

  result<group_report> commit(std::vector<document_result> group) {
    return commit_group(db.pool(), "a", group);
  }

 private:
  static std::string charge(int documents) {
    const auto n = std::to_string(documents);
    const auto cost = std::to_string(cost_of_one);
    return "with t as (insert into credit_transactions (account_id, type, amount, description) "
           "select id, 'batch_deduction', -" +
           n + " * " + cost +
           ", '' from credit_accounts returning id, account_id), c as (insert into credit_charges "
           "(transaction_id, account_id, documents, cost) select id, account_id, " +
           n + ", " + cost +
           " from t returning transaction_id) update documents set charge_id = c.transaction_id "
           "from c";
  }
};

/// A ready document of `chunks` chunks of 3 tokens each, with one image.
inline document_result ready(const lease& l, int chunks = 2, const std::string& text = "text") {
  document_result r{l};
  r.mime = "text/plain";
  r.sha256 = std::string(64, 'a');
  r.size = 123;
  r.pages = 4;
  r.options = "test";
  for (int i = 0; i < chunks; ++i) {
    r.chunks.push_back({text + " " + std::to_string(i), {"Title", "Part \"1\""}, 1, 2, 3});
    r.embeddings.push_back(encode_embedding({1.0F, static_cast<float>(i)}));
  }
  r.images.push_back({2, {std::string(64, 'b'), "image/png", 640, 480, 999}, "a lock"});
  return r;
}

inline document_result failed(const lease& l, ec code, bool dead_letter = false) {
  document_result r{l};
  r.failure = code;
  r.failure_message = "why it failed";
  r.dead_letter = dead_letter;
  r.options = "test";
  return r;
}

}  // namespace millrace
