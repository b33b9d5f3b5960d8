#include "runtime/embedding/embedding_batch.hpp"

#include <cassert>
#include <utility>

#include "runtime/chunking/token_estimator.hpp"

namespace millrace {

namespace {

std::int64_t tokens_of(const std::string& input) {
  return estimate_tokens(input);
}

}  // namespace

embedding_batch::embedding_batch(std::vector<std::string> inputs, embedding_callback done)
    : inputs_(std::move(inputs)),
      done_(std::move(done)),
      results_(inputs_.size(), embedding_bytes{}),
      open_(inputs_.size()) {
  for (const auto& input : inputs_) bytes_ += input.size();
}

void embedding_batch::set(std::size_t place, result<embedding_bytes> r) {
  assert(open_ > 0);
  results_.at(place) = std::move(r);
  --open_;
}

void embedding_batch::answer() {
  assert(complete());
  held_.reset();
  done_(std::move(results_));
}

void embedding_batch::answer(error e) {
  held_.reset();
  done_(tl::unexpected<error>(std::move(e)));
}

std::vector<batch_slice> slice(const std::shared_ptr<embedding_batch>& batch, int max_inputs,
                               int max_tokens) {
  std::vector<batch_slice> slices;
  for (std::size_t place = 0; place < batch->inputs().size(); ++place) {
    const auto& input = batch->inputs()[place];
    if (input.empty()) {
      batch->set(place, fail(ec::embedding_rejected, "an empty text has no embedding"));
      continue;
    }
    const auto tokens = tokens_of(input);
    const bool full = slices.empty() ||
                      slices.back().places.size() >= static_cast<std::size_t>(max_inputs) ||
                      slices.back().tokens + tokens > max_tokens;
    if (full) slices.push_back({batch, {}, 0, 0});
    slices.back().places.push_back(place);
    slices.back().tokens += tokens;
  }
  return slices;
}

std::vector<batch_slice> halve(const batch_slice& whole) {
  assert(whole.places.size() >= 2);
  std::vector<batch_slice> halves(2, {whole.batch, {}, 0, 0});
  for (std::size_t i = 0; i < whole.places.size(); ++i) {
    auto& half = halves[2 * i < whole.places.size() ? 0 : 1];
    half.places.push_back(whole.places[i]);
    half.tokens += tokens_of(whole.batch->inputs()[whole.places[i]]);
  }
  return halves;
}

}  // namespace millrace
