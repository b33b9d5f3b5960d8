// A batch of inputs on its way to a server, and the slices of it that each fit one request.
//
// Owned by one thread after it was made. A batch is answered exactly once: with a result for each
// input, or with one error for all; answer functions after that do nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/embedding/provider.hpp"
#include "runtime/threads/awaited_answer.hpp"

namespace millrace {

class embedding_batch {
 public:
  embedding_batch(std::vector<std::string> inputs, embedding_callback done);

  const std::vector<std::string>& inputs() const { return inputs_; }
  std::size_t bytes() const { return bytes_; }
  bool answered() const { return !done_.pending(); }

  /// Let go when the batch is answered, and just before, or when it is dropped.
  void hold(std::shared_ptr<const void> share) { held_ = std::move(share); }

  /// The result of one input; must not have one yet.
  void set(std::size_t place, result<embedding_bytes> r);
  /// True when every input has its result.
  bool complete() const { return open_ == 0; }
  /// Calls back with the results of all inputs.
  void answer();
  /// Calls back with one error for all inputs.
  void answer(error e);

 private:
  std::vector<std::string> inputs_;
  awaited_answer<result<embedding_results>> done_;
  embedding_results results_;
  std::size_t bytes_ = 0;
  std::size_t open_;
  std::shared_ptr<const void> held_;
};

/// Inputs of a batch that go into one request.
struct batch_slice {
  std::shared_ptr<embedding_batch> batch;
  std::vector<std::size_t> places;  ///< Of the inputs in the batch.
  std::int64_t tokens = 0;          ///< Estimated, of all inputs.
  int attempts = 0;                 ///< That failed.
};

/// Cuts a batch into slices within both limits. An input that is empty is rejected at once, as
/// servers do.
std::vector<batch_slice> slice(const std::shared_ptr<embedding_batch>& batch, int max_inputs,
                               int max_tokens);

/// The two halves of a slice of two inputs or more, to find the one that the server rejects.
std::vector<batch_slice> halve(const batch_slice& whole);

}  // namespace millrace
