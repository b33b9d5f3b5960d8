#include "runtime/embedding/embed_text.hpp"

#include <future>

#include "runtime/core/blocking.hpp"

namespace millrace {

namespace {

/// Longer than any provider tries by its own limits; a provider that never answers is a bug, not a
/// wait.
constexpr auto longest_wait = std::chrono::minutes{15};

}  // namespace

result<embedding_bytes> embed_text(embedding_provider& provider, const std::string& text) {
  assert_may_block("embed_text");
  auto promise = std::make_shared<std::promise<result<embedding_results>>>();
  auto future = promise->get_future();
  provider.embed({text}, [promise](result<embedding_results> outcome) {
    promise->set_value(std::move(outcome));
  });
  if (future.wait_for(longest_wait) != std::future_status::ready)
    return fail(ec::embedding_unavailable, "the embedding provider did not answer");
  auto outcome = future.get();
  if (!outcome) return tl::unexpected<error>(outcome.error());
  return std::move(outcome->front());
}

result<embedding_bytes> embed_query(const settings& s,
                                    const std::shared_ptr<embedding_provider>& provider,
                                    const std::string& model, int dimensions,
                                    const std::string& text) {
  if (provider && provider->model() == model && provider->dimensions() == dimensions)
    return embed_text(*provider, text);
  auto hashing = s.embedder;
  hashing.provider = "hashing";
  hashing.dimensions = dimensions;
  auto built_in = make_embedding_provider(hashing, std::make_shared<embedding_stats>());
  if (built_in && (*built_in)->model() == model) return embed_text(**built_in, text);
  return fail(ec::dataset_conflict,
              "the dataset is embedded by " + model + " with " + std::to_string(dimensions) +
                  " dimensions; give --config with that provider to search it");
}

}  // namespace millrace
