#include "actors/committer.hpp"

#include <algorithm>
#include <map>

#include "runtime/queue/attempt_policy.hpp"

namespace millrace {

committer_actor_impl::committer_actor_impl(caf::actor_config& config, actor_place place,
                                           committer_config s)
    : bounded_actor{config, std::move(place)}, config_{std::move(s)}, grants_{config_.limit} {
  set_down_handler([this](const caf::down_msg& down) { grants_.forget(*this, down.source); });
}

committer_actor_impl::behavior_type committer_actor_impl::make_behavior() {
  return {
      [this](const ask_grant& ask) {
        auto answer = grants_.ask(*this, ask);
        probe().demand_available = grants_.available_items();
        return answer;
      },
      [this](commit_document& request) { return on_commit(request); },
      [this](group_written& written) { on_written(written); },
      [this](flush_atom) {
        flush_requested_ = false;
        flush();
      },
      [this](tick_atom) {
        gathers_ = false;
        flush();
      },
      [this](const use_roles& roles) { roles_ = roles; },
  };
}

caf::result<document_accepted> committer_actor_impl::on_commit(commit_document& request) {
  const demand work{1, request.bytes};
  if (!grants_.spend(*this, work)) {
    ++probe().rejected;
    return caf::make_error(ec::mailbox_full, std::string{"more results than were granted"});
  }
  // At once: were it told by the document actor later, a committer that dies before would leave it
  // behind.
  if (config_.book) config_.book->accepted(request.outcome.token);
  gathered_.push_back(std::move(request.outcome));
  gathered_demand_ += work;
  count_held();
  // Behind everything that is in the mailbox now, so that one group takes it all.
  if (writing_.empty() && !flush_requested_ && (!gathers_ || is_full())) {
    flush_requested_ = true;
    send(caf::actor_cast<committer_actor>(this), flush_atom_v);
  }
  return document_accepted{};
}

void committer_actor_impl::count_held() {
  probe().held = gathered_.size() + writing_.size();
}

void committer_actor_impl::flush() {
  if (!writing_.empty() || gathered_.empty()) return;
  std::vector<document_result> group;
  if (gathered_.size() <= config_.max_documents) {
    group = std::exchange(gathered_, {});
    writing_demand_ = std::exchange(gathered_demand_, {});
  } else {
    const auto end = gathered_.begin() + static_cast<std::ptrdiff_t>(config_.max_documents);
    writing_demand_ = {};
    for (auto it = gathered_.begin(); it != end; ++it) writing_demand_ += {1, it->bytes()};
    group.assign(std::make_move_iterator(gathered_.begin()), std::make_move_iterator(end));
    gathered_.erase(gathered_.begin(), end);
    gathered_demand_ = {gathered_demand_.items - writing_demand_.items,
                        gathered_demand_.bytes - writing_demand_.bytes};
  }
  writing_.reserve(group.size());
  for (const auto& d : group) writing_.push_back(d.token);
  auto self = caf::actor_cast<committer_actor>(this);
  config_.write(std::move(group), [self](result<group_report> outcome) {
    caf::anon_send(self, group_written{std::make_shared<result<group_report>>(std::move(outcome))});
  });
}

void committer_actor_impl::on_written(group_written& written) {
  auto tokens = std::exchange(writing_, {});
  count_held();
  grants_.release(std::exchange(writing_demand_, {}));
  if (*written.outcome) {
    report(**written.outcome);
    abandon_unwritten(**written.outcome, tokens);
    if (config_.book) config_.book->ended(tokens);
    send(roles_.puller, leases_ended{std::move(tokens)});
  } else {
    spdlog::error("{} documents could not be committed and go back to the queue: {}", tokens.size(),
                  written.outcome->error().message);
    abandon(std::move(tokens), release_reason::drained, away_delay);
  }
  if (config_.gather.count() > 0 && !is_full()) {
    gathers_ = true;
    delayed_send(this, config_.gather, tick_atom_v);
    return;
  }
  flush();
}

namespace {

/// A document that alone cannot be written has failed. If the database is slow or locks it, or if
/// nothing of the whole group could be written, it may be innocent: a loss, of which it has more.
release_reason whose_fault(const group_report& written, const committed_document& d) {
  const bool nothing_went =
      written.documents.size() > 1 &&
      std::all_of(written.documents.begin(), written.documents.end(),
                  [](const auto& o) { return o.outcome == commit_outcome::unwritten; });
  return passes(d.reason) || nothing_went ? release_reason::lost : release_reason::failed;
}

}  // namespace

/// Gives back what could not be written: neither document nor holder is to blame for the database,
/// but what fails alone costs its document an attempt.
void committer_actor_impl::abandon(std::vector<std::int64_t> tokens, release_reason reason,
                                   duration delay) {
  if (config_.book) {
    config_.book->ended(tokens);
    config_.book->give_back(tokens, reason, delay);
  }
  send(roles_.puller,
       leases_abandoned{std::move(tokens), reason, static_cast<std::uint64_t>(delay.count())});
}

/// Removes from `tokens` those of the documents that alone could not be committed.
void committer_actor_impl::abandon_unwritten(const group_report& written,
                                             std::vector<std::int64_t>& tokens) {
  for (const auto& d : written.documents) {
    if (d.outcome != commit_outcome::unwritten) continue;
    spdlog::error("document {} could not be committed and is tried again later: {}", d.document_id,
                  d.reason.message);
    std::erase(tokens, d.token);
    abandon({d.token}, whose_fault(written, d), retry_delay(config_.queue, d.failures));
  }
}

bool committer_actor_impl::is_full() const {
  return gathered_.size() >= config_.max_documents ||
         2 * gathered_demand_.bytes >= config_.limit.bytes;
}

void committer_actor_impl::report(const group_report& written) {
  std::map<std::int64_t, std::uint64_t> changes;
  for (const auto& d : written.documents) {
    if (d.outcome == commit_outcome::stale) {
      config_.counters->stale_tokens_total.Increment();
      continue;
    }
    if (d.outcome == commit_outcome::unwritten) continue;
    config_.counters
        ->documents_total(d.ready && d.outcome == commit_outcome::committed ? "ready" : "failed")
        .Increment();
    ++changes[d.dataset_id];
  }
  if (written.refunded > 0) config_.counters->ledger_transactions_total("refund").Increment();
  if (!roles_.status || changes.empty()) return;
  progress_changed message;
  for (const auto& [dataset, documents] : changes) message.datasets.push_back({dataset, documents});
  send(roles_.status, std::move(message));
}

}  // namespace millrace
