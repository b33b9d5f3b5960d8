// Brings documents that lie on other nodes' disks: piece by piece (1 MiB, one request of a file
// under way) into a scratch file without a name, which lives as long as somebody holds it.
//
// Detached: it writes files. Bounded by max_transfers files at a time, max_transfers_of_node of one
// node, so that a slow one costs its own share, and `scratch` bytes of files that are held; more
// wait in line, first come first served. A larger file travels when nothing else is held. A node
// that does not answer or is lost ends its transfers with source_away.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "runtime/core/scratch_file.hpp"
#include "runtime/telemetry/metrics.hpp"

namespace millrace {

struct file_fetcher_config {
  byte_size scratch;
  std::shared_ptr<metrics> counters;
};

class file_fetcher_actor_impl : public bounded_actor<file_fetcher_actor> {
 public:
  static constexpr std::size_t max_transfers = 32;
  static constexpr std::size_t max_transfers_of_node = 8;
  /// A node answers for a piece within this, or is taken to be away.
  static constexpr auto answer_limit = std::chrono::seconds{30};
  /// A file that changes while it is read is begun again so often.
  static constexpr int max_beginnings = 3;

  file_fetcher_actor_impl(caf::actor_config& config, actor_place place, file_fetcher_config s)
      : bounded_actor{config, std::move(place)}, config_{std::move(s)} {}
  behavior_type make_behavior() override;
  /// Who waits is told; handles of other actors go with it.
  void on_exit() override;

 private:
  struct transfer {
    fetch_file order;
    std::string node;
    caf::typed_response_promise<file_fetched> promise;
    std::shared_ptr<scratch_file> file = nullptr;
    file_reader_actor reader = {};
    std::uint64_t reserved = 0;  ///< Bytes of the budget.
    std::uint64_t offset = 0;
    file_version version = {};
    int beginnings = 0;
  };

  caf::result<file_fetched> on_fetch(const fetch_file& order);
  void on_peers(const peers_changed& message);
  void begin_waiting();
  void begin(std::uint64_t id, transfer& t);
  void ask(std::uint64_t id, transfer& t);
  void on_piece(std::uint64_t id, const file_piece& piece);
  void finish(std::uint64_t id);
  void abandon(std::uint64_t id, const error& why);
  bool fits(std::uint64_t bytes) const;
  void release(std::uint64_t bytes);

  file_fetcher_config config_;
  std::map<std::string, file_reader_actor> readers_;  ///< By node.
  std::map<std::uint64_t, transfer> running_;
  std::deque<transfer> waiting_;
  std::uint64_t held_ = 0;  ///< Bytes reserved for transfers and for files that are held.
  std::uint64_t last_id_ = 0;
};

}  // namespace millrace
