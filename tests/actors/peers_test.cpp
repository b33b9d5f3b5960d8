// The links by themselves: who is dialled and when, who is a suspect, what is told and what is
// forgotten. Other nodes are stand-ins in the same actor system; the network is a seam.
#include "actors/peers.hpp"

#include <sstream>

#include <spdlog/sinks/ostream_sink.h>

#include "tests/actors/supervisor_log.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

node_row row_of(const std::string& name, std::int64_t incarnation = 1) {
  return {name, incarnation, name + ":4700", "1.0", link_protocol};
}

class peers_test : public ::testing::Test {
 protected:
  /// Another node: what is dialled, and what the link is with.
  struct other_node {
    peers_actor peers;
    gate_actor gate;
    std::shared_ptr<std::vector<node_offer>> offers = std::make_shared<std::vector<node_offer>>();
  };
  struct dialled {
    std::string node;
    caf::actor_clock::time_point at;
    std::function<void(gate_dialled)> done;
  };

  virtual_engine engine;
  std::ostringstream said;
  std::shared_ptr<spdlog::logger> usual = spdlog::default_logger();
  std::vector<dialled> dials;
  /// How each dial ends at once; empty: when the test says so.
  std::function<gate_dialled(const node_row&)> network;
  supervisor_log supervisor;
  peers_actor peers;
  /// Whose certificate the node of an actor has shown; else its own.
  std::map<caf::strong_actor_ptr, std::string> shown;

  void SetUp() override {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_st>(said)));
    peers_config config;
    config.self = {link_protocol, "1.0", "test", "self", 5, nullptr};
    config.reach = [this](const node_row& to, const std::function<void(gate_dialled)>& done) {
      dials.push_back({to.name, engine.system.clock().now(), done});
      if (network) done(network(to));
    };
    config.owns = [this](const caf::strong_actor_ptr& actor, const std::string& name) {
      const auto other = shown.find(actor);
      return other == shown.end() || other->second == name;
    };
    config.supervisor = supervisor.spawn(engine);
    peers = engine.spawn<peers_actor_impl>("peers", std::move(config));
    engine.run();
  }
  void TearDown() override { spdlog::set_default_logger(usual); }

  /// `unanswered`, where given, keeps the promises of answers to questions.
  other_node new_node(const std::string& name, std::int64_t incarnation = 1,
                      const std::string& cluster = "test",
                      std::vector<caf::typed_response_promise<node_answer>>* unanswered = nullptr) {
    other_node n;
    n.peers = engine.keep(
        engine.system.spawn([log = n.offers, name,
                             unanswered](peers_actor::pointer self) -> peers_actor::behavior_type {
          return {
              [](const node_hello& m) { return m; },
              [log](const node_offer& m) { log->push_back(m); },
              [](const offer_changed&) {},
              [](const nodes_seen&) {},
              [](const gate_dialled&) {},
              [=](const node_question&) -> caf::result<node_answer> {
                if (unanswered == nullptr) return node_answer{name, "answered"};
                unanswered->push_back(self->make_response_promise<node_answer>());
                return unanswered->back();
              },
              [](const ask_nodes&) { return nodes_answered{}; },
          };
        }));
    const node_hello hello{link_protocol, "1.0",
                           cluster,       name,
                           incarnation,   caf::actor_cast<caf::strong_actor_ptr>(n.peers)};
    n.gate =
        engine.keep(engine.system.spawn([hello](gate_actor::pointer) -> gate_actor::behavior_type {
          return {[hello](const node_hello&) { return hello; }};
        }));
    return n;
  }
  static gate_dialled reached(const node_row& to, const other_node& n) {
    return {to.name, to.incarnation, caf::actor_cast<caf::strong_actor_ptr>(n.gate), {}};
  }
  void see(std::vector<node_row> nodes) {
    caf::anon_send(peers, nodes_seen{std::move(nodes)});
    engine.run();
  }
  /// As heartbeats do, for so long.
  void keep_seeing(const std::vector<node_row>& nodes, duration time) {
    for (duration t{0}; t < time; t += milliseconds{100}) {
      see(nodes);
      engine.advance(milliseconds{100});
    }
  }
  int told(const std::string& words) const {
    int times = 0;
    const auto all = said.str();
    for (auto at = all.find(words); at != std::string::npos; at = all.find(words, at + 1)) ++times;
    return times;
  }
};

TEST_F(peers_test, the_later_node_dials_and_makes_the_first_offer) {
  const auto b = new_node("b");
  network = [&](const node_row& to) { return reached(to, b); };
  see({row_of("b"), row_of("later", 9)});
  ASSERT_EQ(dials.size(), 1U);
  EXPECT_EQ(dials[0].node, "b");
  EXPECT_EQ(told("linked with node b"), 1);
  ASSERT_EQ(b.offers->size(), 1U);
  EXPECT_EQ(b.offers->at(0).node, "self");
  keep_seeing({row_of("b")}, seconds{30});
  EXPECT_EQ(dials.size(), 1U) << "one link is enough";
}

TEST_F(peers_test, a_lost_link_makes_its_node_a_suspect_until_it_links_again) {
  auto b = new_node("b");
  network = [&](const node_row& to) { return reached(to, b); };
  see({row_of("b")});
  EXPECT_TRUE(supervisor.suspects.empty());
  engine.kill(b.peers);
  EXPECT_EQ(supervisor.suspects, (std::vector<std::string>{"b"}));
  EXPECT_TRUE(supervisor.offers.empty());
  b = new_node("b");
  see({row_of("b")});
  EXPECT_EQ(dials.size(), 2U) << "at once: nothing had failed";
  EXPECT_TRUE(supervisor.suspects.empty());
  EXPECT_EQ(told("linked with node b"), 2);
}

TEST_F(peers_test, a_question_waits_for_nobody_who_is_lost) {
  std::vector<caf::typed_response_promise<node_answer>> unanswered;
  const auto b = new_node("b", 1, "test", &unanswered);
  network = [&](const node_row& to) { return reached(to, b); };
  see({row_of("b")});
  auto pending = (*engine.self)->request(peers, caf::infinite, ask_nodes{"b", {}});
  engine.run();
  ASSERT_EQ(unanswered.size(), 1U);
  ASSERT_TRUE((*engine.self)->mailbox().empty()) << "it may yet answer";
  engine.kill(b.peers);
  ASSERT_FALSE((*engine.self)->mailbox().empty()) << "no time has passed";
  pending.receive(
      [](const nodes_answered& all) {
        ASSERT_EQ(all.answers.size(), 1U);
        EXPECT_EQ(all.answers[0].node, "b");
        EXPECT_EQ(all.answers[0].problem, ec::timeout);
        EXPECT_EQ(all.answers[0].text, "the link with it was lost before it answered");
      },
      [](const caf::error& e) { ADD_FAILURE() << from_caf(e).message; });
  unanswered.clear();
}

TEST_F(peers_test, a_suspect_that_left_the_table_is_none) {
  const auto b = new_node("b");
  network = [&](const node_row& to) { return reached(to, b); };
  see({row_of("b"), row_of("c", 9)});
  engine.kill(b.peers);
  ASSERT_EQ(supervisor.suspects.size(), 1U);
  see({row_of("c", 9)});
  EXPECT_TRUE(supervisor.suspects.empty());
}

TEST_F(peers_test, who_cannot_be_reached_is_dialled_again_after_pauses_that_double) {
  network = [](const node_row& to) {
    return gate_dialled{to.name, to.incarnation, nullptr, "nobody listens"};
  };
  keep_seeing({row_of("b")}, seconds{50});
  std::vector<milliseconds> pauses;
  for (std::size_t i = 1; i < dials.size(); ++i)
    pauses.push_back(std::chrono::duration_cast<milliseconds>(dials[i].at - dials[i - 1].at));
  const std::vector<milliseconds> expected{milliseconds{500}, seconds{1}, seconds{2},
                                           seconds{4},        seconds{8}, seconds{10},
                                           seconds{10},       seconds{10}};
  EXPECT_EQ(pauses, expected);
  EXPECT_EQ(told("no link with node b: nobody listens"), 1) << "each reason once";
}

TEST_F(peers_test, another_reason_is_told_and_a_link_forgets_it) {
  const auto b = new_node("b");
  std::string problem = "nobody listens";
  network = [&](const node_row& to) {
    return problem.empty() ? reached(to, b)
                           : gate_dialled{to.name, to.incarnation, nullptr, problem};
  };
  keep_seeing({row_of("b")}, seconds{5});
  problem = "the handshake failed";
  keep_seeing({row_of("b")}, seconds{20});
  EXPECT_EQ(told("nobody listens"), 1);
  EXPECT_EQ(told("the handshake failed"), 1);
  problem.clear();
  keep_seeing({row_of("b")}, seconds{20});
  ASSERT_EQ(told("linked with node b"), 1);
  engine.kill(b.peers);
  problem = "the handshake failed";
  keep_seeing({row_of("b")}, seconds{5});
  EXPECT_EQ(told("the handshake failed"), 2);
}

TEST_F(peers_test, a_dial_that_is_under_way_is_not_repeated) {
  keep_seeing({row_of("b")}, seconds{30});
  ASSERT_EQ(dials.size(), 1U);
  dials[0].done({"b", 1, nullptr, "nobody listens"});
  keep_seeing({row_of("b")}, seconds{1});
  EXPECT_EQ(dials.size(), 2U);
}

TEST_F(peers_test, names_that_leave_the_table_are_forgotten) {
  network = [](const node_row& to) {
    return gate_dialled{to.name, to.incarnation, nullptr, "nobody listens"};
  };
  keep_seeing({row_of("b")}, seconds{20});
  EXPECT_EQ(told("no link with node b"), 1);
  const auto before = dials.size();
  see({});
  see({row_of("b")});
  EXPECT_EQ(dials.size(), before + 1) << "without the pause of before";
  EXPECT_EQ(told("no link with node b"), 2);
}

TEST_F(peers_test, a_dial_that_ends_after_its_node_has_left_leaves_nothing) {
  see({row_of("b")});
  see({});
  dials.at(0).done({"b", 1, nullptr, "nobody listens"});
  engine.run();
  EXPECT_EQ(told("no link with node b"), 0);
  see({row_of("b")});
  EXPECT_EQ(dials.size(), 2U) << "at once";
}

TEST_F(peers_test, who_is_of_another_protocol_is_not_dialled) {
  auto old = row_of("old");
  old.protocol = link_protocol + 1;
  keep_seeing({old}, seconds{5});
  EXPECT_TRUE(dials.empty());
  EXPECT_EQ(told("no link with node old: it is of version 1.0"), 1);
}

TEST_F(peers_test, who_says_hello_in_another_protocol_is_told_to_run_one_version) {
  const auto old = new_node("old");
  const auto answer =
      engine.ask<node_hello>(peers, node_hello{link_protocol + 1, "0.9", "test", "old", 1,
                                               caf::actor_cast<caf::strong_actor_ptr>(old.peers)});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ec::node_refused);
  EXPECT_EQ(answer.error().message,
            "node `old` is of version 0.9 with protocol " + std::to_string(link_protocol + 1) +
                ", node `self` of 1.0 with " + std::to_string(link_protocol) +
                "; run one version on all nodes");
  EXPECT_EQ(told("linked with"), 0);
}

// Both directions: who dials and who is dialled.
TEST_F(peers_test, who_shows_the_certificate_of_another_node_is_refused) {
  const auto b = new_node("b");
  const auto handle = caf::actor_cast<caf::strong_actor_ptr>(b.peers);
  shown[handle] = "a";
  const auto answer =
      engine.ask<node_hello>(peers, node_hello{link_protocol, "1.0", "test", "b", 9, handle});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ec::node_refused);
  EXPECT_EQ(answer.error().message, "node `b` has shown no certificate of that name");
  network = [&](const node_row& to) { return reached(to, b); };
  see({row_of("b")});
  EXPECT_EQ(dials.size(), 1U);
  EXPECT_EQ(told("linked with"), 0);
  shown[handle] = "b";
  keep_seeing({row_of("b")}, seconds{2});
  EXPECT_EQ(told("linked with node b"), 1);
}

TEST_F(peers_test, another_node_than_the_one_that_was_dialled_is_not_linked) {
  const auto c = new_node("c");
  network = [&](const node_row& to) { return reached(to, c); };
  see({row_of("b")});
  EXPECT_EQ(told("no link with node b: node `c` is there"), 1);
  EXPECT_EQ(told("linked with"), 0);
}

TEST_F(peers_test, nobody_offers_in_the_name_of_another) {
  const auto b = new_node("b");
  const auto c = new_node("c");
  network = [&](const node_row& to) { return reached(to, to.name == "b" ? b : c); };
  see({row_of("b"), row_of("c")});
  ASSERT_EQ(told("linked with"), 2);
  node_offer offer;
  offer.node = "b";
  offer.incarnation = 1;
  const auto from = [&](const other_node& sender) {
    caf::send_as(caf::actor_cast<caf::actor>(sender.peers), peers, offer);
    engine.run();
  };
  from(c);
  EXPECT_TRUE(supervisor.offers.empty());
  from(b);
  EXPECT_EQ(supervisor.offers.size(), 1U);
}

TEST_F(peers_test, nobody_says_hello_in_the_name_of_another) {
  const auto b = new_node("b");
  const auto c = new_node("c");
  const node_hello hello{link_protocol, "1.0", "test",
                         "b",           9,     caf::actor_cast<caf::strong_actor_ptr>(b.peers)};
  const auto say = [&](const other_node& sender) {
    caf::send_as(caf::actor_cast<caf::actor>(sender.peers), peers, hello);
    engine.run();
  };
  say(c);  // which has a certificate too, but of its own name
  EXPECT_EQ(told("no link with node b: somebody else says hello in the name of node `b`"), 1);
  EXPECT_EQ(told("linked with"), 0);
  say(b);
  EXPECT_EQ(told("linked with node b"), 1);
}

TEST_F(peers_test, a_stranger_is_refused_in_words_and_told_once) {
  const auto hello_of = [&](const std::string& name, const other_node& n) {
    return node_hello{link_protocol, "1.0", "elsewhere",
                      name,          1,     caf::actor_cast<caf::strong_actor_ptr>(n.peers)};
  };
  const auto b = new_node("b");
  for (int i = 0; i < 3; ++i) {
    const auto answer = engine.ask<node_hello>(peers, hello_of("b", b));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ec::node_refused);
    see({row_of("c", 9)});
  }
  EXPECT_EQ(told("no link with node b: node `b` is of the cluster `elsewhere`"), 1);
  EXPECT_EQ(told("linked with"), 0);
  // What is remembered of strangers has a bound.
  for (std::size_t i = 0; i < peers_actor_impl::max_refused; ++i)
    EXPECT_FALSE(engine.ask<node_hello>(peers, hello_of("x" + std::to_string(i), b)));
  EXPECT_FALSE(engine.ask<node_hello>(peers, hello_of("b", b)));
  EXPECT_EQ(told("no link with node b: node `b` is of the cluster `elsewhere`"), 2);
}

}  // namespace
}  // namespace millrace
