#include "runtime/embedding/provider.hpp"

#include <utility>

#include "runtime/embedding/hashing_provider.hpp"
#include "runtime/embedding/openai_provider.hpp"

namespace millrace {

result<std::shared_ptr<embedding_provider>> make_embedding_provider(
    const embedder_settings& s, std::shared_ptr<embedding_stats> stats,
    std::shared_ptr<compute_pool> pool) {
  if (!stats) stats = std::make_shared<embedding_stats>();
  if (s.provider == "openai") return openai_provider::create(s, std::move(stats));
  if (s.provider != "hashing")
    return fail(ec::invalid_config, "embedder.provider is \"" + s.provider +
                                        "\"; the providers are \"hashing\" and \"openai\"");
  if (s.dimensions < min_hashing_dimensions || s.dimensions > max_hashing_dimensions)
    return fail(ec::invalid_config, "embedder.dimensions is " + std::to_string(s.dimensions) +
                                        "; it must be from " +
                                        std::to_string(min_hashing_dimensions) + " to " +
                                        std::to_string(max_hashing_dimensions));
  return std::shared_ptr<embedding_provider>{
      std::make_shared<hashing_provider>(s.dimensions, std::move(pool))};
}

}  // namespace millrace
