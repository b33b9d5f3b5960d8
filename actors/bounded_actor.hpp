// The base of every actor: a hard mailbox limit and the measuring of what passes through.
//
// A request over the limit is answered ec::mailbox_full at once, in its sender's thread, and
// counted; responses, exits, downs and timers are never bounded, or an actor could not make
// progress. With correct demand the counter stays 0; a producer that ignores demand is held to the
// limit all the same.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include "actors/actor_directory.hpp"
#include "actors/messages.hpp"
#include "runtime/core/blocking.hpp"
#include "runtime/core/handler_check.hpp"

namespace millrace {

/// How every actor is measured and listed.
struct actor_place {
  std::shared_ptr<actor_directory> directory;
  std::shared_ptr<actor_probe> probe;
};

inline actor_place make_place(std::shared_ptr<actor_directory> directory, const char* role,
                              int limit, std::uint64_t restarts) {
  auto probe = std::make_shared<actor_probe>(role, limit);
  probe->restarts = restarts;
  return {std::move(directory), std::move(probe)};
}

template <class Interface>
class bounded_actor : public Interface::base {
 public:
  using super = typename Interface::base;
  using clock = std::chrono::steady_clock;

  bounded_actor(caf::actor_config& config, actor_place place)
      : super{config}, probe_{std::move(place.probe)} {
    probe_->actor_id = this->id();
    place.directory->enter(probe_);
    // An exception ends this actor and nothing else; what it carried goes back to the queue.
    this->set_exception_handler([this](caf::scheduled_actor*, std::exception_ptr& x) -> caf::error {
      try {
        std::rethrow_exception(x);
      } catch (const std::exception& e) {
        spdlog::error("actor {} {} dies of an exception: {}", probe_->role, this->id(), e.what());
      } catch (...) {
        spdlog::error("actor {} {} dies of an unknown exception", probe_->role, this->id());
      }
      return caf::sec::runtime_error;
    });
  }

  const char* name() const override { return probe_->role.c_str(); }

  void enqueue(caf::mailbox_element_ptr x, caf::execution_unit* host) override {
    if (!x->mid.is_request() || !x->sender) return super::enqueue(std::move(x), host);
    auto depth = probe_->depth.load(std::memory_order_relaxed);
    do {
      if (depth >= probe_->limit) {
        ++probe_->rejected;
        x->sender->enqueue(this->ctrl(), x->mid.response_id(),
                           caf::make_message(caf::make_error(ec::mailbox_full)), host);
        return;
      }
    } while (!probe_->depth.compare_exchange_weak(depth, depth + 1));
    raise_peak(depth + 1);
    sample_arrival();
    super::enqueue(std::move(x), host);
  }

  caf::invoke_message_result consume(caf::mailbox_element& x) override {
    const bool counted = x.mid.is_request() && x.sender;  // before: answering changes the id
    std::optional<no_blocking_scope> no_blocking;
    if (!this->getf(caf::abstract_actor::is_detached_flag) && !on_test_scheduler_)
      no_blocking.emplace();
    const auto start = clock::now();
    const auto outcome = super::consume(x);
    const auto took = clock::now() - start;
    probe_->handling.record(took);
    if (no_blocking && took > longest_handler && handlers_are_checked()) name_slow(x, took);
    ++probe_->handled;
    if (counted && outcome != caf::invoke_message_result::skipped) {
      --probe_->depth;
      sample_departure(start);
    }
    return outcome;
  }

 protected:
  actor_probe& probe() { return *probe_; }

 private:
  /// Large work belongs in a thread of runtime/.
  void name_slow(const caf::mailbox_element& x, clock::duration took) const {
    std::string types;
    for (std::size_t i = 0; i < x.content().size(); ++i)
      types += (i == 0 ? "" : ", ") + this->system().types().portable_name(x.content().type(i));
    spdlog::warn("a handler of actor {} kept its scheduler's thread for {} ms: {}", probe_->role,
                 std::chrono::duration_cast<std::chrono::milliseconds>(took).count(), types);
  }

  void raise_peak(int depth) {
    auto peak = probe_->peak.load(std::memory_order_relaxed);
    while (depth > peak && !probe_->peak.compare_exchange_weak(peak, depth)) {
    }
  }

  /// One request at a time is followed through the mailbox: a time stamp for each would need a
  /// place in each.
  void sample_arrival() {
    const auto position = arrived_.fetch_add(1, std::memory_order_relaxed) + 1;
    std::uint64_t none = 0;
    if (sampled_position_.load(std::memory_order_relaxed) == 0 &&
        sampled_position_.compare_exchange_strong(none, position))
      sampled_at_.store(clock::now().time_since_epoch().count(), std::memory_order_release);
  }

  void sample_departure(clock::time_point now) {
    ++departed_;
    const auto position = sampled_position_.load(std::memory_order_acquire);
    const auto at = sampled_at_.load(std::memory_order_acquire);
    if (position == 0 || at == 0 || departed_ < position) return;
    probe_->waiting.record(now.time_since_epoch() - clock::duration{at});
    sampled_at_.store(0, std::memory_order_relaxed);
    sampled_position_.store(0, std::memory_order_release);
  }

  std::shared_ptr<actor_probe> probe_;
  /// The deterministic scheduler runs everything on one thread, SQL too.
  const bool on_test_scheduler_ = caf::get_or(this->system().config(), "scheduler.policy",
                                              caf::atom("stealing")) == caf::atom("testing");
  std::atomic<std::uint64_t> arrived_{0};
  std::atomic<std::uint64_t> sampled_position_{0};
  std::atomic<clock::rep> sampled_at_{0};
  std::uint64_t departed_ = 0;
};

/// Requests that stay in this process have no time-out: in CAF 0.17 its entry in the clock outlives
/// the answer.
template <class Self, class Handle>
caf::duration limit_beyond_node(Self& self, const Handle& to, duration limit) {
  if (!to || to->node() == self.node()) return caf::infinite;
  return caf::duration{limit};
}

/// An error as it travels between actors, and back.
inline caf::error to_caf(const error& e) {
  return caf::make_error(e.code, e.message);
}
error from_caf(const caf::error& e);

}  // namespace millrace
