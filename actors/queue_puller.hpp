// The queue puller: claims leases that document actors demanded (and one batch ahead), delivers
// them, and gives back what returns. A document actor of this node takes the next one of those
// claimed ahead from the lease book itself. The only actor that talks to the queue's tables, so
// what is claimed is always in its lease book. Document actors may be of other nodes, those without
// a puller: what they carry returns when they are lost, and news of theirs that is lost on the way
// ("this one has ended") the database tells at the next poll.
//
// Detached: it runs SQL. Claims when 50 document actors wait or 2 ms after the first one does; an
// empty queue is asked again on a wake-up and every poll_interval. Bounded by demand plus one
// batch.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "runtime/queue/away_sources.hpp"
#include "runtime/queue/claim_planner.hpp"
#include "runtime/queue/lease_book.hpp"
#include "runtime/queue/queue.hpp"
#include "runtime/telemetry/metrics.hpp"

namespace millrace {

struct queue_puller_config {
  std::shared_ptr<queue> source;
  std::shared_ptr<lease_book> book;
  int batch_size = 100;
  duration poll_interval = std::chrono::seconds{5};
  /// A sentence while claims must not be made (disk almost full); asked at each poll.
  std::function<std::optional<std::string>()> storage_problem = [] { return std::nullopt; };
  std::shared_ptr<metrics> counters;
  /// True while nothing may be claimed yet; asked before each claim, ended by a wake-up.
  std::function<bool()> held = [] { return false; };
};

class queue_puller_actor_impl : public bounded_actor<queue_puller_actor> {
 public:
  static constexpr std::size_t claim_at =
      50;  ///< Waiting document actors that make a claim worth it at once.
  static constexpr auto claim_delay = std::chrono::milliseconds{2};
  /// A document actor that does not take its lease within this does not get it.
  static constexpr auto delivery_limit = std::chrono::seconds{30};
  /// Document actors elsewhere make themselves known to a restarted puller within this; what others
  /// carried goes back.
  static constexpr auto greeting_limit = std::chrono::seconds{30};

  queue_puller_actor_impl(caf::actor_config& config, actor_place place, queue_puller_config s);
  behavior_type make_behavior() override;
  /// Handles of other actors go with it, or two ended actors would keep each other alive.
  void on_exit() override { consumers_.clear(); }

 private:
  using consumer_id = lease_book::holder_id;
  struct consumer {
    document_actor handle;
    std::uint64_t last_lease = 0;  ///< The latest that it demanded.
    bool waits = false;            ///< …and has not been given.
  };

  void on_demand(const grant_demand& message);
  void on_return(const return_lease& message);
  void on_extend(const extend_lease& message);
  void on_sources_here(const sources_here& message);
  void wake_those_that_waited();
  void on_flush();
  void on_tick();
  void deliver();
  void deliver_to(consumer& to, lease work);
  void on_down(const caf::down_msg& down);
  void forget(const consumer_id& id);
  void look_after_elsewhere();
  void give_back_elsewhere();
  bool may_begin(const lease& work);
  /// Buffered leases below which more are claimed.
  std::size_t enough_ahead() const { return static_cast<std::size_t>(config_.batch_size) / 2; }
  bool should_claim() const;
  void claim_or_wait();
  void claim();
  void give_back(const std::vector<std::int64_t>& tokens, release_reason reason,
                 duration delay = duration{0});
  void release_returned();
  void extend_leases();
  void schedule_flush(duration delay);
  bool storage_is_short();
  bool paused() const;
  drain_progress progress() const;

  queue_puller_config config_;
  claim_planner planner_;
  std::map<consumer_id, consumer> consumers_;
  std::deque<consumer_id> waiting_;  ///< With open demand, first come first served.
  clock::time_point started_ = clock::now();
  std::vector<std::int64_t> to_extend_;  ///< Tokens; written at the next flush.
  bool flush_scheduled_ = false;
  bool queue_empty_ = false;  ///< The last claim found nothing more.
  bool draining_ = false;
  std::uint64_t released_ = 0;
  away_sources away_;
  std::set<std::string> here_;  ///< Nodes whose files can be had.
  std::set<std::string> back_;  ///< Nodes whose documents may be put off yet.
  std::optional<clock::time_point> paused_until_;
  std::string pause_reason_;
};

}  // namespace millrace
