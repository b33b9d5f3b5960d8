// The bodies of OpenAI's embeddings API: the request as JSON, and what an answer means for the
// inputs that were sent. Other makers' servers speak it too, each with its own slips; what is read
// is therefore checked.
//
// Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/embedding/provider.hpp"

namespace millrace {

struct openai_request {
  std::string model;
  int dimensions = 0;  ///< 0: not sent; only text-embedding-3 models take it.
  std::vector<std::string_view> inputs;
};

/// Asks for base64, a quarter of the bytes of floats.
std::string write_request(const openai_request& r);

/// True for models that let the client choose the dimensions.
bool takes_dimensions(std::string_view model);

struct openai_answer {
  enum class meaning {
    embedded,   ///< `results` has one entry an input, in order.
    throttled,  ///< 429 rate_limit_exceeded: send it again later.
    failed,     ///< May pass: send it again later.
    rejected,   ///< The server does not take these inputs, or not so many at once.
    refused,    ///< Quota, credentials or configuration: nothing will be taken until somebody acts.
  };
  meaning what = meaning::failed;
  std::string reason;  ///< A sentence for the user; empty for embedded.
  embedding_results results;
  std::int64_t tokens = 0;  ///< As the server counted; 0 where it does not say.
};

/// What the answer to a request with `inputs` inputs means.
openai_answer read_answer(int status, std::string_view body, std::size_t inputs, int dimensions);

/// The largest body that read_answer() can need, in bytes.
std::size_t max_answer_bytes(std::size_t inputs, int dimensions);

}  // namespace millrace
