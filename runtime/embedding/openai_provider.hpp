// Embeddings from any server with OpenAI's embeddings API, over HTTP.
//
// Thread-safe. embed() never blocks: one thread of its own does the waiting, and runs the
// callbacks, which must not block. Requests in flight are bounded by settings.concurrency (fewer
// while the server asks for it), batches that wait by openai_loop::max_held_batches(); one more is
// answered ec::mailbox_full.
//
// What a batch may be answered with: results, where an input that the server refuses alone is
// ec::embedding_rejected; ec::embedding_unavailable after settings.max_attempts;
// ec::embedding_paused while the server refuses our quota, key or configuration (it is asked again
// every settings.probe_interval, by the next batch); ec::draining when the provider is destroyed,
// which abandons the requests in flight.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/embedding/provider.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

class openai_loop;

class openai_provider final : public embedding_provider {
 public:
  /// invalid_config where base_url is no usable URL or the API key is not where the settings say.
  static result<std::shared_ptr<embedding_provider>> create(const embedder_settings& s,
                                                            std::shared_ptr<embedding_stats> stats);
  ~openai_provider() override;
  openai_provider(const openai_provider&) = delete;
  openai_provider& operator=(const openai_provider&) = delete;

  std::string model() const override { return settings_.model; }
  int dimensions() const override { return settings_.dimensions; }
  embedding_limits limits() const override;
  void embed(std::vector<std::string> inputs, embedding_callback done) override;

 private:
  openai_provider(embedder_settings s, std::shared_ptr<openai_loop> loop);

  embedder_settings settings_;
  std::shared_ptr<openai_loop> loop_;
  runtime_thread thread_;
};

}  // namespace millrace
