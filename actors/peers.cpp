#include "actors/peers.hpp"

#include "actors/link_transport.hpp"
#include "runtime/threads/guarded.hpp"

namespace millrace {

reach_gate reach_by_network(caf::actor_system& system, link_transport& transport) {
  return [&](const node_row& to, std::function<void(gate_dialled)> done) {
    system.spawn<caf::detached>([&transport, to, done = std::move(done)](caf::event_based_actor*) {
      done(transport.dial(to));
    });
  };
}

gate_actor spawn_gate(caf::actor_system& system, supervisor_actor supervisor) {
  return system.spawn(
      [to = std::move(supervisor)](gate_actor::pointer self) -> gate_actor::behavior_type {
        return {[self, to](const node_hello& hello) { return self->delegate(to, hello); }};
      });
}

peers_actor_impl::peers_actor_impl(caf::actor_config& config, actor_place place, peers_config s)
    : bounded_actor{config, std::move(place)}, config_{std::move(s)} {
  config_.self.peers = caf::actor_cast<caf::strong_actor_ptr>(this);
  offer_.node = config_.self.node;
  offer_.incarnation = config_.self.incarnation;
  set_down_handler([this](const caf::down_msg& down) { on_down(down); });
}

peers_actor_impl::behavior_type peers_actor_impl::make_behavior() {
  tell_suspects();  // none are known, whatever the one before had said
  return {
      [this](const node_hello& from) { return on_hello(from); },
      [this](const node_offer& offer) {
        on_offer(offer, caf::actor_cast<caf::strong_actor_ptr>(current_sender()));
      },
      [this](const offer_changed& changed) {
        offer_ = changed.offer;
        for (const auto& [name, l] : links_) send(l.handle, offer_);
      },
      [this](const nodes_seen& seen) { on_nodes(seen); },
      [this](const gate_dialled& dialled) { on_dialled(dialled); },
      [this](const node_question& question) { return answer(question); },
      [this](const ask_nodes& order) { return ask(order); },
  };
}

void peers_actor_impl::on_exit() {
  config_.self.peers = nullptr;
  config_.answer = nullptr;
  config_.reach = nullptr;
  config_.owns = nullptr;
  config_.supervisor = supervisor_actor{};
  offer_ = {};
  links_.clear();
  gathering_.clear();
}

void peers_actor_impl::on_nodes(const nodes_seen& seen) {
  const auto before = std::exchange(nodes_, {});
  for (const auto& n : seen.nodes) nodes_[n.name] = n;
  forget_who_left(before);
  for (const auto& n : seen.nodes) {
    const auto linked = links_.find(n.name);
    if (linked != links_.end() && linked->second.who.incarnation == n.incarnation) continue;
    if (n.protocol != config_.self.protocol)
      refuse_once(n.name, "it is of version " + n.version + " with protocol " +
                              std::to_string(n.protocol) + ", this one of " + config_.self.version +
                              " with " + std::to_string(config_.self.protocol));
    else if (n.incarnation < config_.self.incarnation)  // the later one dials
      dial(n);
  }
}

void peers_actor_impl::forget_who_left(const std::map<std::string, node_row>& before) {
  if (std::erase_if(suspects_, [&](const auto& name) { return !nodes_.contains(name); }) > 0)
    tell_suspects();
  std::erase_if(dials_, [&](const auto& d) { return !nodes_.contains(d.first); });
  // Who never was in the table is no node of it: a stranger, told once.
  std::erase_if(refused_, [&](const auto& r) {
    return before.contains(r.first) && !nodes_.contains(r.first);
  });
}

void peers_actor_impl::dial(const node_row& to) {
  auto& state = dials_[to.name];
  if (state.under_way || now() < state.next) return;
  state.under_way = true;
  config_.reach(to, [self = caf::actor_cast<peers_actor>(this)](gate_dialled dialled) {
    caf::anon_send(self, std::move(dialled));
  });
}

void peers_actor_impl::on_dialled(const gate_dialled& dialled) {
  if (!dialled.gate) return dial_failed(dialled.node, dialled.problem);
  greet(dialled);
}

void peers_actor_impl::greet(const gate_dialled& dialled) {
  const auto gate = caf::actor_cast<gate_actor>(dialled.gate);
  request(gate, hello_limit, config_.self)
      .then(
          [this, dialled](const node_hello& who) {
            auto why = objection(who);
            if (!why && who.node != dialled.node) why = "node `" + who.node + "` is there";
            if (why) return dial_failed(dialled.node, *why);
            dials_.erase(dialled.node);
            add_link(who, true);
          },
          [this, dialled](const caf::error& e) { dial_failed(dialled.node, from_caf(e).message); });
}

caf::result<node_hello> peers_actor_impl::on_hello(const node_hello& from) {
  auto why = objection(from);
  if (!why && caf::actor_cast<caf::strong_actor_ptr>(current_sender()) != from.peers)
    why = "somebody else says hello in the name of node `" + from.node + "`";
  if (why) {
    refuse_once(from.node, *why);
    return caf::make_error(ec::node_refused, *why);
  }
  add_link(from, false);
  return config_.self;
}

std::optional<std::string> peers_actor_impl::objection(const node_hello& from) const {
  const auto& self = config_.self;
  const auto theirs = "node `" + from.node + "`";
  if (from.protocol != self.protocol)
    return theirs + " is of version " + from.version + " with protocol " +
           std::to_string(from.protocol) + ", node `" + self.node + "` of " + self.version +
           " with " + std::to_string(self.protocol) + "; run one version on all nodes";
  if (from.cluster != self.cluster)
    return theirs + " is of the cluster `" + from.cluster + "`, node `" + self.node + "` of `" +
           self.cluster + "`";
  if (from.node == self.node) return "two nodes are called `" + self.node + "`";
  const auto known = links_.find(from.node);
  if (known != links_.end() && known->second.who.incarnation > from.incarnation)
    return theirs + " has been started again since";
  if (!from.peers) return theirs + " has said no complete hello";
  if (!config_.owns || !config_.owns(from.peers, from.node))
    return theirs + " has shown no certificate of that name";
  return std::nullopt;
}

/// The one that dialled makes the first offer: the other's would overtake its answer to hello.
void peers_actor_impl::add_link(const node_hello& to, bool dialled) {
  auto handle = caf::actor_cast<peers_actor>(to.peers);
  if (const auto known = links_.find(to.node); known != links_.end()) {
    if (known->second.handle == handle) return;
    demonitor(known->second.handle.address());
  }
  monitor(handle);
  links_[to.node] = {to, handle};
  refused_.erase(to.node);
  spdlog::info("linked with node {} ({})", to.node, to.version);
  if (suspects_.erase(to.node) > 0) tell_suspects();
  if (dialled) send(handle, offer_);
}

void peers_actor_impl::on_down(const caf::down_msg& down) {
  const auto lost = std::find_if(links_.begin(), links_.end(), [&](const auto& l) {
    return l.second.handle.address() == down.source;
  });
  if (lost == links_.end()) return;
  spdlog::warn("the link with node {} is lost", lost->first);
  suspects_.insert(lost->first);
  for (const auto& g : gathering_) g->lost(lost->first);
  links_.erase(lost);
  tell_suspects();
  announce();
}

void peers_actor_impl::dial_failed(const std::string& node, const std::string& why) {
  if (!nodes_.contains(node)) return;  // it left meanwhile
  auto& state = dials_[node];
  state.under_way = false;
  state.next = now() + state.pause;
  state.pause = std::min<duration>(2 * state.pause, last_redial);
  refuse_once(node, why);
}

/// Each reason once, not at each dial.
void peers_actor_impl::refuse_once(const std::string& node, const std::string& why) {
  if (refused_.size() >= max_refused && !refused_.contains(node)) refused_.clear();
  auto& known = refused_[node];
  if (known == why) return;
  known = why;
  spdlog::warn("no link with node {}: {}", node, why);
}

void peers_actor_impl::on_offer(const node_offer& offer, const caf::strong_actor_ptr& from) {
  const auto found = links_.find(offer.node);
  if (found == links_.end() || found->second.who.incarnation != offer.incarnation) return;
  if (found->second.who.peers != from) return;  // somebody else speaks for it
  auto& known = found->second;
  const bool first = known.offer.node.empty();
  known.offer = offer;
  if (first && known.who.incarnation > config_.self.incarnation) send(known.handle, offer_);
  announce();
}

void peers_actor_impl::announce() {
  peers_changed message;
  for (const auto& [name, l] : links_)
    if (!l.offer.node.empty()) message.offers.push_back(l.offer);
  send(config_.supervisor, std::move(message));
}

void peers_actor_impl::tell_suspects() {
  send(config_.supervisor, suspects_changed{{suspects_.begin(), suspects_.end()}});
}

/// By an actor of its own: rendering metrics asks the database.
caf::result<node_answer> peers_actor_impl::answer(const node_question& question) {
  if (*questions_ >= max_questions)
    return caf::make_error(ec::mailbox_full, std::string{"too many questions at a time"});
  // Given back as the responder ends, however it does.
  ++*questions_;
  std::shared_ptr<void> counted{nullptr, [count = questions_](void*) { --*count; }};
  using responder = caf::typed_actor<caf::replies_to<node_question>::with<node_answer>>;
  auto one = system().spawn<caf::detached>(
      [counted = std::move(counted), ask = config_.answer,
       node = config_.self.node](responder::pointer self) -> responder::behavior_type {
        return {[self, ask, node, held = counted](const node_question& q) mutable {
          self->quit();
          auto text = guarded("question", [&] {
            return ask ? ask(q.topic)
                       : result<std::string>{fail(ec::draining, "the node is closing")};
          });
          held.reset();
          return text ? node_answer{node, std::move(*text)}
                      : node_answer{node, text.error().message, text.error().code};
        }};
      });
  return delegate(one, question);
}

caf::result<nodes_answered> peers_actor_impl::ask(const ask_nodes& order) {
  std::map<std::string, peers_actor> asked;
  const auto self = caf::actor_cast<peers_actor>(this);
  if (order.node.empty() || order.node == config_.self.node) asked[config_.self.node] = self;
  for (const auto& [name, l] : links_)
    if (order.node.empty() || order.node == name) asked[name] = l.handle;
  if (asked.empty())
    return caf::make_error(ec::unknown_node, "no node `" + order.node +
                                                 "` is linked with this one; `millrace nodes` "
                                                 "lists them");
  auto promise = make_response_promise<nodes_answered>();
  auto all = std::make_shared<gathered_answers>(promise);
  std::erase_if(gathering_, [](const auto& g) { return g->complete(); });
  gathering_.push_back(all);
  for (const auto& [name, row] : nodes_)
    if (order.node.empty() && !links_.contains(name))
      all->note({name, "not linked with node " + config_.self.node + ", whose log says why",
                 ec::node_refused});
  for (const auto& [name, handle] : asked) all->wait_for(name);
  for (const auto& [name, handle] : asked)
    request(handle, question_limit, order.question)
        .then([all, node = name](node_answer& a) { all->add(node, std::move(a)); },
              [all, node = name](const caf::error& e) {
                all->add(node,
                         {node,
                          e == caf::sec::request_timeout
                              ? "the node did not answer in time; is it stopped or overloaded?"
                              : "the node did not answer: " + from_caf(e).message,
                          ec::timeout});
              });
  return promise;
}

}  // namespace millrace
