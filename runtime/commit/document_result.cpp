#include "runtime/commit/document_result.hpp"

namespace millrace {

document_result::document_result(const lease& work)
    : token{work.token},
      document_id{work.document_id},
      dataset_id{work.dataset_id},
      failures{work.failures},
      losses{work.losses} {}

std::uint64_t document_result::bytes() const {
  std::uint64_t sum = sizeof(document_result) + failure_message.size();
  for (const auto& c : chunks) {
    sum += sizeof(chunk) + c.text.size();
    for (const auto& heading : c.heading_path) sum += sizeof(std::string) + heading.size();
  }
  sum += embeddings.size() * sizeof(embedding_bytes) + embeddings.memory_bytes();
  for (const auto& i : images) sum += sizeof(image_record) + i.text.size() + i.info.sha256.size();
  return sum;
}

std::uint64_t document_result::tokens() const {
  std::uint64_t sum = 0;
  for (const auto& c : chunks) sum += c.tokens;
  return sum;
}

}  // namespace millrace
