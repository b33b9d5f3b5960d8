#include "actors/embedder.hpp"

namespace millrace {

embedder_actor_impl::embedder_actor_impl(caf::actor_config& config, actor_place place,
                                         embedder_config s)
    : bounded_actor{config, std::move(place)},
      config_{std::move(s)},
      grants_{config_.limit},
      batcher_{config_.provider->limits()} {
  // A producer that died leaves its grant unused: take it back.
  set_down_handler([this](const caf::down_msg& down) { grants_.forget(*this, down.source); });
}

embedder_actor_impl::behavior_type embedder_actor_impl::make_behavior() {
  return {
      [this](const ask_grant& ask) {
        auto answer = grants_.ask(*this, ask);
        probe().demand_available = grants_.available_items();
        return answer;
      },
      [this](demand_ended) {
        grants_.forget(*this, caf::actor_cast<caf::actor_addr>(current_sender()));
      },
      [this](embed_chunks& request) { return on_embed(request); },
      [this](batch_embedded& answer) { on_answer(answer); },
      [this](flush_atom, std::uint64_t generation) {
        if (generation != timer_) return;
        timer_ = 0;
        send_batches(true);
      },
      [this](const use_roles& roles) { roles_ = roles; },
  };
}

caf::result<chunks_embedded> embedder_actor_impl::on_embed(embed_chunks& request) {
  if (!grants_.spend(*this, {1, request.bytes})) {
    ++probe().rejected;
    return caf::make_error(ec::mailbox_full, std::string{"more chunks than were granted"});
  }
  auto promise = make_response_promise<chunks_embedded>();
  const auto id = ++last_job_;
  requests_[id] = {promise, request.bytes};
  batcher_.add(id, std::move(request.texts));
  send_batches(false);
  return promise;
}

void embedder_actor_impl::send_batches(bool partial) {
  const auto concurrency =
      static_cast<std::size_t>(std::max(1, config_.provider->limits().concurrency));
  while (!batcher_.empty() && in_flight_.size() < concurrency) {
    if (!batcher_.full() && !partial && config_.batch_delay.count() > 0) return start_timer();
    const auto id = ++last_batch_;
    auto& batch = in_flight_[id] = batcher_.next();
    auto self = caf::actor_cast<embedder_actor>(this);
    config_.provider->embed(std::move(batch.inputs), [self, id](result<embedding_results> outcome) {
      caf::anon_send(
          self,
          batch_embedded{id, std::make_shared<result<embedding_results>>(std::move(outcome))});
    });
  }
}

void embedder_actor_impl::start_timer() {
  if (timer_ != 0) return;
  timer_ = ++last_timer_;
  delayed_send(this, config_.batch_delay, flush_atom_v, timer_);
}

void embedder_actor_impl::on_answer(batch_embedded& answer) {
  const auto found = in_flight_.find(answer.batch);
  if (found == in_flight_.end()) return;
  const auto batch = std::move(found->second);
  in_flight_.erase(found);
  on_provider_state(*answer.outcome);
  for (auto& job : batcher_.answer(batch, std::move(*answer.outcome))) finish(std::move(job));
  send_batches(false);
}

void embedder_actor_impl::finish(batcher::job job) {
  const auto found = requests_.find(job.id);
  if (found == requests_.end()) return;
  auto request = std::move(found->second);
  requests_.erase(found);
  if (job.problem.code == ec::none)
    request.promise.deliver(chunks_embedded{std::move(job.embeddings)});
  else
    request.promise.deliver(to_caf(job.problem));
  grants_.release({1, request.bytes});
}

/// Quota or credentials: the pullers stop claiming, say why and try again after the probe interval.
void embedder_actor_impl::on_provider_state(const result<embedding_results>& outcome) {
  const bool refuses = !outcome && outcome.error().code == ec::embedding_paused;
  if (refuses) {  // each time: the claims had resumed by themselves, and this was the probe
    paused_ = true;
    tell_pullers(pause_claims{outcome.error().message,
                              static_cast<std::uint64_t>(config_.probe_interval.count())});
  } else if (outcome && std::exchange(paused_, false)) {
    tell_pullers(resume_atom_v);
  }
}

template <class Message>
void embedder_actor_impl::tell_pullers(const Message& message) {
  if (roles_.puller) send(roles_.puller, message);
  for (const auto& puller : roles_.dependents) send(puller, message);
}

}  // namespace millrace
