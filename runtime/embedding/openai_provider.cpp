#include "runtime/embedding/openai_provider.hpp"

#include <algorithm>
#include <utility>

#include "runtime/embedding/api_key.hpp"
#include "runtime/embedding/http_transport.hpp"
#include "runtime/embedding/openai_loop.hpp"

namespace millrace {

namespace {

constexpr duration max_connect_timeout = std::chrono::seconds{10};

}  // namespace

openai_provider::openai_provider(embedder_settings s, std::shared_ptr<openai_loop> loop)
    : settings_(std::move(s)),
      loop_(std::move(loop)),
      thread_("embedding", [l = loop_] { l->run(); }) {}

result<std::shared_ptr<embedding_provider>> openai_provider::create(
    const embedder_settings& s, std::shared_ptr<embedding_stats> stats) {
  const auto url = embeddings_url(s.base_url);
  if (!url) return tl::unexpected<error>(url.error());
  const auto key = read_api_key(s);
  if (!key) return tl::unexpected<error>(key.error());
  auto transport =
      http_transport::create({.url = *url,
                              .bearer_token = *key,
                              .connect_timeout = std::min(max_connect_timeout, s.request_timeout),
                              .request_timeout = s.request_timeout,
                              .max_connections = std::max(1, s.concurrency)});
  if (!transport) return tl::unexpected<error>(transport.error());
  auto loop = std::make_shared<openai_loop>(s, *key, std::move(*transport), std::move(stats));
  return std::shared_ptr<embedding_provider>{new openai_provider{s, std::move(loop)}};
}

openai_provider::~openai_provider() {
  loop_->stop();
  // The last owner may let go inside a callback, on this very thread; the loop then ends by itself.
  if (thread_.is_current())
    thread_.detach();
  else
    thread_.join();
}

embedding_limits openai_provider::limits() const {
  return {.max_inputs = settings_.max_inputs,
          .max_tokens = settings_.max_request_tokens,
          .concurrency = settings_.concurrency};
}

void openai_provider::embed(std::vector<std::string> inputs, embedding_callback done) {
  loop_->submit(std::move(inputs), std::move(done));
}

}  // namespace millrace
