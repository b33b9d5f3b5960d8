// Embeds one text and waits for it: for queries, not for documents. Blocks, at most until the
// provider's own limits (attempts and time-outs) end it.
#pragma once

#include <memory>
#include <string>

#include "runtime/embedding/provider.hpp"

namespace millrace {

result<embedding_bytes> embed_text(embedding_provider& provider, const std::string& text);

/// Embeds a query as the dataset was embedded: by `provider` where its model fits, by the built-in
/// hashing provider where the dataset is its; else dataset_conflict.
result<embedding_bytes> embed_query(const settings& s,
                                    const std::shared_ptr<embedding_provider>& provider,
                                    const std::string& model, int dimensions,
                                    const std::string& text);

}  // namespace millrace
