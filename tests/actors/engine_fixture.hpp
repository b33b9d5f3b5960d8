// What actor tests share: an actor system on CAF's deterministic scheduler (one thread, a virtual
// clock, a seed that chooses who runs next) and stand-ins for what actors talk to.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <gtest/gtest.h>

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "actors/committer.hpp"
#include "actors/system_config.hpp"
#include "runtime/commit/group_writer.hpp"
#include "runtime/embedding/embedding_encoding.hpp"
#include "runtime/extraction/extractor_pool.hpp"
#include "runtime/telemetry/metrics.hpp"

namespace millrace {

using random_source = std::mt19937_64;

class virtual_system_config : public system_config {
 public:
  virtual_system_config() { set("scheduler.policy", caf::atom("testing")); }
};

class virtual_engine {
  virtual_system_config config_;
  std::vector<caf::actor> spawned_;

 public:
  std::shared_ptr<actor_directory> directory = std::make_shared<actor_directory>("node");
  std::shared_ptr<metrics> counters = std::make_shared<metrics>();
  caf::actor_system system{config_};
  caf::scheduler::test_coordinator& sched =
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  /// Sends and receives as an actor; receive only what has been answered already.
  std::optional<caf::scoped_actor> self{std::in_place, system};

  virtual_engine() = default;
  virtual_engine(const virtual_engine&) = delete;
  virtual_engine& operator=(const virtual_engine&) = delete;
  ~virtual_engine() {
    for (auto& a : spawned_) caf::anon_send_exit(a, caf::exit_reason::kill);
    spawned_.clear();
    run();
    self.reset();
  }

  /// An actor of the engine, not detached: everything runs on the test's thread.
  template <class Impl, class Config>
  auto spawn(const char* role, Config config, int limit = 1024) {
    return keep(system.spawn<Impl>(make_place(directory, role, limit, 0), std::move(config)));
  }

  /// Ends with the engine.
  template <class Handle>
  Handle keep(Handle handle) {
    spawned_.push_back(caf::actor_cast<caf::actor>(handle));
    return handle;
  }

  /// Until nothing is left to do at this moment; `random` chooses who is next.
  void run(random_source* random = nullptr) {
    while (step(random)) {
    }
  }

  bool step(random_source* random = nullptr) {
    if (sched.jobs.empty()) return false;
    if (random != nullptr) {
      const auto chosen = (*random)() % sched.jobs.size();
      std::swap(sched.jobs.front(), sched.jobs[chosen]);
    }
    return sched.try_run_once();
  }

  void advance(duration total, duration step = std::chrono::milliseconds{100},
               random_source* random = nullptr) {
    run(random);
    for (duration t{0}; t < total; t += step) {
      sched.advance_time(std::min(step, total - t));
      run(random);
    }
  }

  template <class Handle>
  void kill(const Handle& handle) {
    caf::anon_send_exit(handle, caf::exit_reason::kill);
    run();
  }

  /// The answer of a request that is answered without time passing.
  template <class Answer, class Handle, class... Message>
  result<Answer> ask(const Handle& to, Message&&... message) {
    auto pending = (*self)->request(to, caf::infinite, std::forward<Message>(message)...);
    run();
    result<Answer> outcome = fail(ec::internal, "no answer");
    if ((*self)->mailbox().empty()) return outcome;
    pending.receive([&](Answer& answer) { outcome = std::move(answer); },
                    [&](const caf::error& e) { outcome = tl::unexpected<error>(from_caf(e)); });
    return outcome;
  }

  std::shared_ptr<actor_probe> probe(const std::string& role) const {
    for (auto& p : directory->list())
      if (p->role == role) return p;
    return nullptr;
  }
};

/// What a queue puller was told.
struct puller_log {
  std::vector<return_lease> returned;
  std::vector<std::int64_t> extended;
  std::vector<std::int64_t> ended;
  std::vector<std::int64_t> abandoned;
  std::vector<release_reason> abandoned_as;  ///< One per message.
  std::vector<pause_claims> pauses;
  std::uint64_t demanded = 0;  ///< Largest total.
  int demands = 0;
  int claims_wanted = 0;
  int resumes = 0;
};

inline queue_puller_actor spawn_puller_log(virtual_engine& engine,
                                           const std::shared_ptr<puller_log>& log) {
  return engine.keep(
      engine.system.spawn([log](queue_puller_actor::pointer) -> queue_puller_actor::behavior_type {
        return {
            [log](const grant_demand& m) {
              if (!m.idle) return;
              ++log->demands;
              log->demanded = m.lease;
            },
            [log](const return_lease& m) { log->returned.push_back(m); },
            [](const sources_here&) {},
            [log](const extend_lease& m) { log->extended.push_back(m.token); },
            [log](const leases_ended& m) {
              log->ended.insert(log->ended.end(), m.tokens.begin(), m.tokens.end());
            },
            [log](const leases_abandoned& m) {
              log->abandoned.insert(log->abandoned.end(), m.tokens.begin(), m.tokens.end());
              log->abandoned_as.push_back(m.reason);
            },
            [](const holder_died&) {},
            [log](const pause_claims& m) { log->pauses.push_back(m); },
            [log](resume_atom) { ++log->resumes; },
            [](wake_atom) {},
            [log](flush_atom) { ++log->claims_wanted; },
            [](tick_atom) {},
            [](drain_atom) { return drain_progress{}; },
            [](give_back_atom) {},
            [](progress_atom) { return drain_progress{}; },
        };
      }));
}

inline status_aggregator_actor spawn_status_log(
    virtual_engine& engine, const std::shared_ptr<std::vector<dataset_change>>& log) {
  return engine.keep(engine.system.spawn(
      [log](status_aggregator_actor::pointer) -> status_aggregator_actor::behavior_type {
        return {
            [log](const progress_changed& m) {
              log->insert(log->end(), m.datasets.begin(), m.datasets.end());
            },
            [](flush_atom, std::int64_t, std::uint64_t) {},
            [](tick_atom) {},
            [](progress_atom) { return status_counters{}; },
        };
      }));
}

inline embedding_bytes embedding_of(const std::string& text) {
  return encode_embedding({static_cast<float>(text.size()), 1.0F, 0.0F, 0.0F});
}

/// Answers when the test says so, or inside the call.
class scripted_provider final : public embedding_provider {
 public:
  struct call {
    std::vector<std::string> inputs;
    embedding_callback done;
  };

  bool at_once = false;
  embedding_limits bounds{.max_inputs = 256, .max_tokens = 100'000, .concurrency = 1};
  std::deque<call> calls;
  std::size_t calls_made = 0;

  std::string model() const override { return "scripted"; }
  int dimensions() const override { return 4; }
  embedding_limits limits() const override { return bounds; }
  void embed(std::vector<std::string> inputs, embedding_callback done) override {
    ++calls_made;
    calls.push_back({std::move(inputs), std::move(done)});
    if (at_once) answer();
  }

  /// The oldest call.
  void answer() {
    auto next = take();
    embedding_results results;
    for (const auto& text : next.inputs) results.push_back(embedding_of(text));
    next.done(std::move(results));
  }
  void refuse(error problem) { take().done(tl::unexpected<error>(std::move(problem))); }

 private:
  call take() {
    auto next = std::move(calls.front());
    calls.pop_front();
    return next;
  }
};

/// The seam behind the committer: groups wait until the test writes them.
struct scripted_writer {
  struct group {
    std::vector<document_result> documents;
    group_writer::callback done;
  };
  std::deque<group> groups;
  std::vector<std::size_t> sizes;
  std::vector<document_result> written;

  write_group seam() {
    return [this](std::vector<document_result> documents, group_writer::callback done) {
      sizes.push_back(documents.size());
      groups.push_back({std::move(documents), std::move(done)});
    };
  }

  void write(commit_outcome outcome = commit_outcome::committed) {
    auto next = take();
    group_report report;
    for (const auto& d : next.documents)
      report.documents.push_back(
          {d.token, d.document_id, d.dataset_id, outcome, d.failure == ec::none, d.failures, {}});
    for (auto& d : next.documents) written.push_back(std::move(d));
    next.done(std::move(report));
  }
  void refuse(error problem) { take().done(tl::unexpected<error>(std::move(problem))); }
  group take() {
    auto next = std::move(groups.front());
    groups.pop_front();
    return next;
  }
};

inline lease lease_of(std::int64_t token) {
  lease work;
  work.token = token;
  work.document_id = 1000 + token;
  work.dataset_id = 7;
  work.size = 10;
  work.uri = "file:///documents/" + std::to_string(token) + ".txt";
  return work;
}

inline document_result result_of(std::int64_t token, std::size_t bytes = 100) {
  document_result r;
  r.token = token;
  r.document_id = 1000 + token;
  r.dataset_id = 7;
  r.chunks.push_back({std::string(bytes, 'x'), {}, 0, 0, 1});
  r.embeddings.push_back(embedding_of(r.chunks[0].text));
  return r;
}

inline extracted_document text_document(const std::vector<std::string>& paragraphs) {
  extracted_document d;
  d.mime = "text/plain";
  d.sha256 = std::string(64, 'a');
  d.size = 10;
  for (const auto& text : paragraphs)
    d.elements.push_back({element_kind::paragraph, 0, 0, text, {}});
  return d;
}

/// Adds so many images to the end of a document, each with bytes of its own.
inline void add_pictures(extracted_document& document, int count) {
  for (int i = 0; i < count; ++i) {
    const auto digits = std::to_string(10'000 + i);
    document.elements.push_back({element_kind::image,
                                 0,
                                 1,
                                 "picture " + digits,
                                 {std::string(59, 'f') + digits, "image/png", 100, 100, 9}});
  }
}

}  // namespace millrace
