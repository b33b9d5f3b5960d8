// A source of embeddings. Implementations: hashing (computed in place) and openai (HTTP,
// runtime/embedding/openai.hpp).
//
// embed() never blocks and may be called from any thread; its callback runs once, on any thread or
// inside the call, and must not block. An implementation bounds what it holds by its settings and
// answers what is waiting with ec::draining when it is destroyed.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"

namespace millrace {

/// One answer per input, in order: the embedding, or why this input has none.
using embedding_results = std::vector<result<embedding_bytes>>;
/// An error here concerns the whole batch: embedding_paused (release the documents, pause the
/// claims), embedding_unavailable (attempts used up) or draining.
using embedding_callback = std::function<void(result<embedding_results>)>;

struct embedding_limits {
  int max_inputs = 256;
  int max_tokens = 100'000;  ///< Estimated tokens in one batch.
  int concurrency = 1;       ///< Batches worth having in flight.
};

class compute_pool;

class embedding_provider {
 public:
  virtual ~embedding_provider() = default;
  virtual std::string model() const = 0;  ///< What a dataset pins, e.g. "hashing-v1".
  virtual int dimensions() const = 0;
  virtual embedding_limits limits() const = 0;
  virtual void embed(std::vector<std::string> inputs, embedding_callback done) = 0;
};

/// Counters of the requests that a provider sent; read from any thread.
struct embedding_stats {
  std::atomic<std::uint64_t> requests_ok{0};
  std::atomic<std::uint64_t> requests_throttled{0};  ///< 429 rate_limit_exceeded.
  std::atomic<std::uint64_t> requests_failed{0};     ///< Other failures that were retried.
  std::atomic<std::uint64_t> requests_rejected{0};   ///< 400, 401, 403, insufficient_quota.
  std::atomic<std::uint64_t> tokens{0};              ///< As the server counts, else estimated.
  std::atomic<std::uint64_t> throttled_milliseconds{0};
};

/// The provider that the settings name, which computes large batches in `pool`, if it computes;
/// invalid_config if it cannot be made (e.g. no API key).
result<std::shared_ptr<embedding_provider>> make_embedding_provider(
    const embedder_settings& s, std::shared_ptr<embedding_stats> stats,
    std::shared_ptr<compute_pool> pool = nullptr);

}  // namespace millrace
