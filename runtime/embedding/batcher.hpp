// Forms batches for an embedding provider out of the chunks of many documents, in arrival order: a
// batch is full at the provider's inputs or tokens. Remembers whose chunk stands where, and hands
// the answers back.
//
// A plain object of the embedder actor; bounded by the demand that the embedder grants.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/embedding/provider.hpp"

namespace millrace {

class batcher {
 public:
  /// One document's request, waiting for its answers.
  struct job {
    std::uint64_t id = 0;
    std::vector<std::string> texts;
    std::size_t taken = 0;  ///< Texts that are in batches already.
    std::size_t answered = 0;
    std::vector<embedding_bytes> embeddings;
    error problem;  ///< The first error; ec::none where there is none.
  };

  /// Where an answer of a batch belongs.
  struct slot {
    std::uint64_t job = 0;
    std::size_t index = 0;
  };
  struct batch {
    std::vector<std::string> inputs;
    std::vector<slot> slots;
  };

  explicit batcher(embedding_limits limits) : limits_{limits} {}

  /// Ids ascend.
  void add(std::uint64_t job_id, std::vector<std::string> texts);
  /// True where a batch would be full now.
  bool full() const;
  bool empty() const { return pending_inputs_ == 0; }
  /// Takes the next batch; empty inputs where nothing waits.
  batch next();
  /// Files the answers of a batch; returns the jobs that are complete by it. The batch's size must
  /// match.
  std::vector<job> answer(const batch& b, result<embedding_results> answers);
  /// Forgets a job whose requester is gone; answers of batches in flight are dropped.
  void forget(std::uint64_t job_id);
  std::size_t jobs() const { return jobs_.size(); }

 private:
  embedding_limits limits_;
  std::map<std::uint64_t, job> jobs_;  // by id, which is the order they came in
  std::uint64_t first_waiting_ = 0;    // all texts of jobs before this one are in batches
  std::size_t pending_inputs_ = 0;
  std::uint64_t pending_tokens_ = 0;
};

}  // namespace millrace
