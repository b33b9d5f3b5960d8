// Embeddings without a model or a network: signed feature hashing of words and pairs of adjacent
// words. Lexical: texts are near where they share words; it knows no synonyms and no other
// language's word for the same thing.
//
// Thread-safe. embed() computes and calls back inside the call, or, for a batch of large_work_bytes
// and more, on a thread of the compute pool if it was given one: about 10 ns a byte, which would
// keep a scheduler's thread for milliseconds. Its callers bound what waits in the pool: they have
// limits().concurrency batches in flight.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/embedding/provider.hpp"
#include "runtime/threads/compute_pool.hpp"

namespace millrace {

inline constexpr int min_hashing_dimensions = 8;
inline constexpr int max_hashing_dimensions = 65'536;

/// The embedding of one text: `dimensions` float32 of length 1 (L2), bit for bit the same on every
/// machine. A feature that occurs n times weighs 1 + ln n (sublinear term frequency); a pair of
/// words weighs half of what a word does, a frequent function word a quarter. Feature hashing:
/// Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009. A text
/// without a word, whose sum would be zero, gets the first axis, (1, 0, 0, ...): a valid direction
/// for cosine similarity, the same for all such texts.
std::vector<float> hash_text(std::string_view text, int dimensions);

class hashing_provider final : public embedding_provider {
 public:
  explicit hashing_provider(int dimensions, std::shared_ptr<compute_pool> pool = nullptr)
      : dimensions_(dimensions), pool_(std::move(pool)) {}

  std::string model() const override { return "hashing-v1"; }
  int dimensions() const override { return dimensions_; }
  embedding_limits limits() const override;
  void embed(std::vector<std::string> inputs, embedding_callback done) override;

 private:
  int dimensions_;
  std::shared_ptr<compute_pool> pool_;  ///< Null: everything is computed inside the call.
};

}  // namespace millrace
