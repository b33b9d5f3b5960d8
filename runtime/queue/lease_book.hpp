// Who holds which of this node's leases: claimed and not yet delivered, with a document actor of
// this node or another, or with the committer beside that actor. The book outlives the queue
// puller: a restarted one finds every lease where it was, so nothing waits for a deadline of two
// hours because an actor died.
//
// Thread-safe (the supervisor and metrics look in). Bounded by the demand of the document actors,
// one batch ahead and the committer's grant.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/queue/lease.hpp"
#include "runtime/queue/queue.hpp"

namespace millrace {

class lease_book {
 public:
  /// A document actor.
  struct holder_id {
    std::string node;  ///< Empty: this one.
    std::uint64_t actor = 0;

    auto operator<=>(const holder_id&) const = default;
  };

  struct counts {
    std::size_t buffered = 0;
    std::size_t delivered = 0;
    std::size_t handed_over = 0;
  };

  void add(std::vector<lease> claimed);

  /// Takes the next buffered lease for `holder`. A suspect runs alone: nothing while it waits for
  /// the others to end, or the others for it.
  std::optional<lease> deliver(const holder_id& holder);
  /// A lease that a holder took by itself.
  struct taken_lease {
    lease work;
    bool runs_low = false;  ///< It was the one that left fewer than `low`.
  };
  /// The next buffered lease, for a document actor of this node that needs one, without a way
  /// through its puller. Nothing while the book is closed (it is at first), nor any suspect.
  std::optional<taken_lease> take(const holder_id& holder);
  /// The puller lets holders take leases, and says of how few it wants to hear.
  void open(std::size_t low);
  void close();
  /// The holder's lease is with the committer now. No-op where it has none.
  void hand_over(const holder_id& holder);
  /// The same, of one lease.
  void accepted(std::int64_t token);
  /// These leases have ended (committed, stale or released).
  void ended(const std::vector<std::int64_t>& tokens);

  /// Removes and returns the tokens that these held: to be given back. Of a holder elsewhere also
  /// what it handed over: where it is lost, so is the committer of its node.
  std::vector<std::int64_t> take_from(const holder_id& holder);
  /// What the committer of a node has; empty: of this one.
  std::vector<std::int64_t> take_handed_over(const std::string& node = {});
  std::vector<std::int64_t> take_buffered();

  /// These are to be released in the database; kept until `ended` says that they are.
  void give_back(const std::vector<std::int64_t>& tokens, release_reason reason, duration delay);
  std::vector<released_lease> returning(release_reason reason) const;

  counts count() const;
  /// With other nodes; theirs is the news that they have ended, which can be lost on the way.
  struct distant_lease {
    holder_id holder;
    std::int64_t token = 0;
  };
  std::vector<distant_lease> elsewhere() const;

 private:
  using delivery = std::map<holder_id, std::int64_t>::iterator;
  std::optional<lease> next_for(const holder_id& holder);
  delivery delivered(std::int64_t token);
  void remove(delivery d);

  mutable std::mutex mutex_;
  std::deque<lease> buffered_;
  bool open_ = false;
  std::size_t low_ = 0;
  std::map<holder_id, std::int64_t> delivered_;              // holder → token
  std::unordered_map<std::int64_t, holder_id> holders_;      // the same, by token
  std::unordered_map<std::int64_t, holder_id> handed_over_;  // token → who had it
  std::int64_t alone_ = 0;                                   ///< Token of the last such document.
  struct return_order {
    release_reason reason;
    duration delay;
  };
  std::unordered_map<std::int64_t, return_order> returning_;
};

}  // namespace millrace
