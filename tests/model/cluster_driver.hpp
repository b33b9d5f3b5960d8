// Simulated nodes that work on one database through the real queue, commits, submissions and
// ledger, one operation at a time in a seeded order, and the model of what that must do.
//
// One thread; a driver is for one database. Everything random comes from the seed, so that a
// sequence can be repeated.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "runtime/cluster/node_registry.hpp"
#include "runtime/datasets/control.hpp"
#include "runtime/queue/queue.hpp"
#include "tests/model/cluster_check.hpp"
#include "tests/model/cluster_model.hpp"
#include "tests/support/test_database.hpp"

namespace millrace::model {

class cluster_driver {
 public:
  static constexpr int nodes = 3;
  static constexpr int datasets = 5;
  static constexpr int uris_per_dataset = 8;

  cluster_driver(test_database& db, std::uint64_t seed);

  /// One random operation and a look at everything. Returns what is wrong, empty where nothing is.
  std::vector<std::string> step();
  /// Ends all work that is left: every document must be claimable and every dataset end.
  std::vector<std::string> finish();
  /// What was done lately, oldest first.
  const std::deque<std::string>& history() const { return history_; }

 private:
  struct node {
    std::unique_ptr<node_registry> registry;
    std::int64_t incarnation = 0;
    std::unique_ptr<queue> work;
    claim_planner planner;
    bool silent = false;      ///< Its heartbeat is too old.
    bool stopped = false;     ///< It has left.
    std::vector<lease> held;  ///< What it believes to hold.
  };
  struct operation {
    int weight;
    void (cluster_driver::*run)();
  };
  static const std::vector<operation> operations;

  // Datasets (cluster_driver_datasets.cpp).
  void submit();
  void cancel();
  void retry();
  void pause_or_resume();
  void write_statuses();
  // Leases.
  void claim();
  void release();
  void extend();
  void begin();
  void pass_deadlines();
  void pass_delays();
  void reap();
  // Commits.
  void commit();
  void repeat_commit();
  // Nodes.
  void beat();
  void fall_silent();
  void restart();
  void leave();
  // Credits (cluster_driver_credits.cpp).
  void deduct();
  void grant();
  void refund();

  void claim_for(node& n, int want);
  /// `everything`: no failures by chance.
  void conclude(node& n, std::vector<lease> leases, bool everything = false);
  void release_for(node& n, const std::vector<lease>& leases, release_reason reason, bool delayed);
  void commit_for(node& n, std::vector<document_result> group, bool repeated);
  void check_report(const std::vector<document_result>& sent, const group_report& report,
                    bool repeated);
  void join(node& n);
  std::int64_t take_back_where(bool (*lost)(const document&, const node* holder));
  document_result result_of(const lease& l, ec failure, bool dead_letter);
  /// Random ones of what the node believes to hold, and at times of what was held before.
  std::vector<lease> some_leases(node& n);
  void remember_old(const std::vector<lease>& leases);
  std::vector<uri_on_disk> some_files(const std::string& dataset);
  std::string some_key();
  void compare(const std::string& what, const expected_receipt& expected,
               const result<ledger::receipt>& got);

  std::int64_t below(std::int64_t end);  ///< Uniform, 0 to end - 1.
  bool chance(int percent) { return below(100) < percent; }
  node& some_node() { return nodes_[static_cast<std::size_t>(below(nodes))]; }
  std::string name_of(const node& n) const { return n.registry->self().name; }
  void expect(bool condition, const std::string& complaint);
  void note(std::string what) { history_.push_back(std::move(what)); }
  template <class T>
  ec code_of(const result<T>& r) const {
    return r ? ec::none : r.error().code;
  }
  /// Complains where an operation did not end as the model says. True where it succeeded.
  template <class T>
  bool ends_with(ec expected, const result<T>& got, const std::string& what) {
    note(text(what, " -> ", to_string(code_of(got))));
    expect(code_of(got) == expected,
           text(what, " must end with ", to_string(expected), ", not with ",
                to_string(code_of(got)), got ? "" : ": " + got.error().message));
    return got.has_value() && expected == ec::none;
  }

  test_database& db_;
  connection_pool& pool_;
  cluster_reader reader_;
  cluster_model model_;
  std::mt19937_64 random_;
  std::vector<node> nodes_;
  std::vector<lease> old_leases_;  ///< No longer held by anybody, or committed.
  std::set<std::int64_t> tokens_;  ///< All that were ever given out.
  std::vector<document_result> last_group_;
  std::size_t last_sender_ = 0;
  std::map<std::string, int> versions_;  ///< What is on disk, by URI.
  std::vector<std::string> complaints_;
  std::deque<std::string> history_;
};

}  // namespace millrace::model
