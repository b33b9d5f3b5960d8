// The links to the other nodes. Each pair of nodes has one, dialled by the one that started later.
//
//   membership says who is there → dial (a thread of its own: it blocks) → both sides show their
//   certificates (link_transport.hpp) and say hello → each tells the other what it offers → the
//   supervisor hears what all of them offer
//
// A link that is lost makes its node a suspect; whether it is dead is the database's to say
// (node_registry.hpp). Nodes of another protocol or cluster, or with another's certificate, are
// refused in words, and told so once.
// Scheduled; never blocks. Bounded by the table of nodes: what is known of a name goes when it
// leaves the table, but for its link.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "actors/gathered_answers.hpp"
#include "config/settings.hpp"
#include "runtime/cluster/node_registry.hpp"

namespace millrace {

/// What this node answers when another one, or its own API, asks. Called on a thread of its own,
/// may block.
using answer_question = std::function<result<std::string>(node_topic)>;

/// Reaches the gate of another node, or says why not: at once or later, from any thread. The seam
/// to the network.
using reach_gate = std::function<void(const node_row&, std::function<void(gate_dialled)> done)>;

class link_transport;

/// Each on a thread of its own: connecting and the handshake block.
reach_gate reach_by_network(caf::actor_system& system, link_transport& transport);

/// Whether the node of an actor has shown a certificate of that name. Any thread; does not block.
using certificate_owner = std::function<bool(const caf::strong_actor_ptr&, const std::string&)>;

struct peers_config {
  node_hello self;
  std::uint16_t port = 0;  ///< Where the others dial; 0: this node has no link and dials nobody.
  answer_question answer;
  reach_gate reach;        ///< Needed if there is a port.
  certificate_owner owns;  ///< …too: without it nobody is linked.
  supervisor_actor supervisor = {};
};

/// Passes hello on to the supervisor; published instead of it.
gate_actor spawn_gate(caf::actor_system& system, supervisor_actor supervisor);

class peers_actor_impl : public bounded_actor<peers_actor> {
 public:
  /// A peer that answers no question within this is left out.
  static constexpr auto question_limit = std::chrono::seconds{5};
  /// From the gate to the answer to hello.
  static constexpr auto hello_limit = std::chrono::seconds{5};
  static constexpr auto first_redial = std::chrono::milliseconds{500};
  static constexpr auto last_redial = std::chrono::seconds{10};
  /// Questions that this node answers at a time; more are refused.
  static constexpr int max_questions = 16;
  /// Names of which it is remembered why they were refused. Strangers that are in no table can say
  /// hello under any name; beyond this all are told anew.
  static constexpr std::size_t max_refused = node_registry::max_peers;

  peers_actor_impl(caf::actor_config& config, actor_place place, peers_config s);
  behavior_type make_behavior() override;
  /// Handles of other actors go with it, or two ended actors would keep each other alive.
  void on_exit() override;

 private:
  struct link {
    node_hello who;
    peers_actor handle;
    node_offer offer = {};
  };
  struct dial_state {
    bool under_way = false;
    clock::time_point next;  ///< By CAF's clock, which tests set.
    duration pause = first_redial;
  };

  void on_nodes(const nodes_seen& seen);
  void dial(const node_row& to);
  void on_dialled(const gate_dialled& dialled);
  void greet(const gate_dialled& dialled);
  caf::result<node_hello> on_hello(const node_hello& from);
  /// Why this node and that one must not work together.
  std::optional<std::string> objection(const node_hello& from) const;
  void add_link(const node_hello& to, bool dialled);
  void on_down(const caf::down_msg& down);
  void dial_failed(const std::string& node, const std::string& why);
  void refuse_once(const std::string& node, const std::string& why);
  void forget_who_left(const std::map<std::string, node_row>& before);
  clock::time_point now() { return this->system().clock().now(); }
  void on_offer(const node_offer& offer, const caf::strong_actor_ptr& from);
  void announce();
  void tell_suspects();
  caf::result<node_answer> answer(const node_question& question);
  caf::result<nodes_answered> ask(const ask_nodes& order);

  peers_config config_;
  node_offer offer_;  ///< Of this node.
  std::map<std::string, link> links_;
  std::map<std::string, node_row> nodes_;  ///< As the table said last.
  std::map<std::string, dial_state> dials_;
  std::set<std::string> suspects_;
  std::map<std::string, std::string> refused_;  ///< Node → why, as it was logged.
  /// Bounded by the mailbox: each is a request.
  std::vector<std::shared_ptr<gathered_answers>> gathering_;
  std::shared_ptr<std::atomic<int>> questions_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace millrace
