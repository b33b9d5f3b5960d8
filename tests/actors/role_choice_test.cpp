// Which other node does what a node has no role for.
#include "actors/role_choice.hpp"

#include <map>

#include "tests/actors/engine_fixture.hpp"

namespace millrace {
namespace {

class role_choice_test : public ::testing::Test {
 protected:
  virtual_engine engine;
  std::shared_ptr<puller_log> log = std::make_shared<puller_log>();

  node_offer offer(const std::string& node, bool puller, bool embedder) {
    node_offer o;
    o.node = node;
    if (puller) o.puller = spawn_puller_log(engine, log);
    if (embedder)
      o.embedder = engine.keep(
          engine.system.spawn([](embedder_actor::pointer) -> embedder_actor::behavior_type {
            return {[](const ask_grant&) { return granted{}; },
                    [](demand_ended) {},
                    [](const embed_chunks&) { return chunks_embedded{}; },
                    [](const batch_embedded&) {},
                    [](flush_atom, std::uint64_t) {},
                    [](const use_roles&) {}};
          }));
    return o;
  }
};

TEST_F(role_choice_test, nobody_is_chosen_where_nobody_offers) {
  role_choice choice{"d"};
  EXPECT_FALSE(choice.puller({offer("a", false, true)}));
  EXPECT_FALSE(choice.embedder({offer("a", true, false)}, 1));
  EXPECT_FALSE(leading_status({offer("a", true, true)}));
}

TEST_F(role_choice_test, a_puller_stays_chosen_while_it_is_offered) {
  std::vector<node_offer> offers;
  for (const auto* name : {"a", "b", "c", "e", "f", "g"}) {
    offers.push_back(offer(name, true, true));
    role_choice choice{"d"};
    const auto first = choice.puller(offers);
    for (int i = 0; i < 20; ++i) {
      auto more = offers;
      more.push_back(offer("x" + std::to_string(i), true, true));
      EXPECT_EQ(choice.puller(more)->id(), first->id());
    }
    std::vector<node_offer> others;
    for (auto o : offers) {
      if (o.puller->id() == first->id()) o.puller = queue_puller_actor{};
      others.push_back(o);
    }
    if (others.size() > 1) {
      EXPECT_NE(choice.puller(others)->id(), first->id());
    }
  }
}

TEST_F(role_choice_test,
       documents_are_spread_over_the_embedders_and_only_those_of_a_lost_one_move) {
  const std::vector<node_offer> offers{offer("a", true, true), offer("b", true, true),
                                       offer("c", true, true)};
  const std::vector<node_offer> without{offers[0], offers[2]};
  const role_choice choice{"d"};
  std::map<caf::actor_id, int> served;
  for (std::uint64_t document = 0; document < 300; ++document) {
    const auto chosen = choice.embedder(offers, document)->id();
    ++served[chosen];
    if (chosen != offers[1].embedder->id()) {
      EXPECT_EQ(choice.embedder(without, document)->id(), chosen);
    }
  }
  ASSERT_EQ(served.size(), 3U);
  for (const auto& [embedder, documents] : served) EXPECT_GT(documents, 50);
}

}  // namespace
}  // namespace millrace
