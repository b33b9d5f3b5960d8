// The embedder: gathers the chunks of many documents into the provider's batches and hands the
// embeddings back. Scheduled; never blocks: the provider answers from a thread of its own.
//
// Holds at most its mailbox limit of requests and max_bytes of texts, granted to document actors
// beforehand, of this node or others. A batch leaves when it is full, when batch_delay has passed,
// or at once where the provider computes in place.
#pragma once

#include <map>
#include <unordered_map>

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "actors/grant_desk.hpp"
#include "runtime/embedding/batcher.hpp"

namespace millrace {

struct embedder_config {
  std::shared_ptr<embedding_provider> provider;
  demand limit{1024, 16ULL << 20};  ///< Requests and bytes of texts held at one time.
  duration batch_delay = std::chrono::milliseconds{5};
  duration probe_interval = std::chrono::seconds{30};
};

class embedder_actor_impl : public bounded_actor<embedder_actor> {
 public:
  embedder_actor_impl(caf::actor_config& config, actor_place place, embedder_config s);
  behavior_type make_behavior() override;
  /// What refers to an actor, this one too, goes with it, or it would stay for ever.
  void on_exit() override {
    roles_ = {};
    requests_.clear();
    grants_.close();
    config_.provider.reset();
  }

 private:
  struct request_state {
    caf::typed_response_promise<chunks_embedded> promise;
    std::uint64_t bytes = 0;
  };

  caf::result<chunks_embedded> on_embed(embed_chunks& request);
  void on_answer(batch_embedded& answer);
  void send_batches(bool partial);
  void start_timer();
  void finish(batcher::job job);
  void on_provider_state(const result<embedding_results>& outcome);
  template <class Message>
  void tell_pullers(const Message& message);

  embedder_config config_;
  grant_desk grants_;
  batcher batcher_;
  use_roles roles_;
  std::unordered_map<std::uint64_t, request_state> requests_;
  std::map<std::uint64_t, batcher::batch> in_flight_;
  std::uint64_t last_job_ = 0;
  std::uint64_t last_batch_ = 0;
  std::uint64_t timer_ = 0;  ///< Generation of the running batch timer; 0: none.
  std::uint64_t last_timer_ = 0;
  bool paused_ = false;
};

}  // namespace millrace
