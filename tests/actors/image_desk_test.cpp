// Image desks: who reads an image, on one node or between two, and that none is lost with whoever
// had it.
#include "actors/image_desk.hpp"

#include <map>
#include <set>

#include "actors/image.hpp"
#include "tests/actors/engine_fixture.hpp"

namespace millrace {
namespace {

using std::chrono::seconds;

/// A node's desk with its image actors, which read when the test says so.
struct reading_node {
  struct question {
    image_question asked;
    image_answer done;
  };
  image_desk_actor desk;
  std::vector<image_actor> workers;
  std::deque<question> questions;
  std::size_t most = 0;  ///< Read at one time.
  std::size_t read_in_all = 0;
};

class image_desk_test : public ::testing::Test {
 protected:
  virtual_engine engine;
  std::map<std::string, reading_node> nodes;
  std::map<std::string, int> outcomes;  ///< Text of an answered image → how often.
  std::vector<error> failures;
  int asked = 0;

  reading_node& add(const std::string& name, std::size_t workers) {
    auto& n = nodes[name];
    for (std::size_t i = 0; i < workers; ++i)
      n.workers.push_back(engine.spawn<image_actor_impl>(
          "image", image_config{{}, [&n](image_question asked_of, image_answer done) {
                                  n.questions.push_back({std::move(asked_of), std::move(done)});
                                  n.most = std::max(n.most, n.questions.size());
                                  ++n.read_in_all;
                                }}));
    n.desk = engine.spawn<image_desk_actor_impl>("image_desk", image_desk_config{name, workers, {}},
                                                 8192);
    return n;
  }
  /// Tells a node of its image actors and of the others' desks.
  void introduce(const std::string& name, const std::vector<std::string>& others = {},
                 file_fetcher_actor files = {}) {
    use_image_roles roles{nodes[name].workers, {}, std::move(files)};
    for (const auto& o : others) roles.others.push_back(nodes[o].desk);
    caf::anon_send(nodes[name].desk, roles);
    engine.run();
  }
  /// A document of `at` has an image.
  void ask(const std::string& at, const std::string& uri = "file:///d.pdf",
           file_version version = {}) {
    const auto digits = std::to_string(10'000 + ++asked);
    describe_image order;
    order.image.info = {std::string(59, 'f') + digits, "image/png", 100, 100, 9, "page:" + digits};
    order.uri = uri;
    order.version = version;
    order.path = "/d.pdf";
    order.document_id = 5;
    engine.keep(engine.system.spawn([this, to = nodes[at].desk, order](caf::event_based_actor* a) {
      a->request(to, caf::infinite, order)
          .then([this](const image_described& d) { ++outcomes[d.image.text]; },
                [this](const caf::error& e) { failures.push_back(from_caf(e)); });
    }));
    engine.run();
  }
  void ask_many(const std::string& at, int count) {
    for (int i = 0; i < count; ++i) ask(at);
  }
  /// A node's oldest image is read.
  void read(const std::string& at, result<std::string> text = {}) {
    auto& n = nodes[at];
    ASSERT_FALSE(n.questions.empty()) << at;
    auto next = std::move(n.questions.front());
    n.questions.pop_front();
    if (text && text->empty()) text = "read by " + at;
    next.done(std::move(text));
    engine.run();
  }
  void read_all(const std::vector<std::string>& names) {
    for (bool more = true; more;) {
      more = false;
      for (const auto& name : names)
        if (!nodes[name].questions.empty()) {
          read(name);
          more = true;
        }
    }
  }
};

TEST_F(image_desk_test, this_nodes_image_actors_come_first) {
  add("a", 2);
  add("b", 2);
  introduce("a", {"b"});
  introduce("b", {"a"});
  ask_many("a", 2);
  EXPECT_EQ(nodes["a"].questions.size(), 2U);
  EXPECT_TRUE(nodes["b"].questions.empty());
  ask("a");
  EXPECT_EQ(nodes["b"].questions.size(), 1U) << "all of a's were at work";
  read_all({"a", "b"});
  EXPECT_EQ(outcomes, (std::map<std::string, int>{{"read by a", 2}, {"read by b", 1}}));
}

TEST_F(image_desk_test, other_nodes_get_no_more_than_they_granted) {
  add("a", 1);
  add("b", 3);
  introduce("a", {"b"});
  introduce("b", {"a"});
  ask_many("a", 40);
  EXPECT_EQ(nodes["a"].questions.size(), 1U);
  EXPECT_EQ(nodes["b"].questions.size(), 3U);
  read_all({"a", "b"});
  EXPECT_EQ(nodes["a"].most, 1U);
  EXPECT_EQ(nodes["b"].most, 3U);
  EXPECT_EQ(outcomes["read by a"] + outcomes["read by b"], 40);
  EXPECT_EQ(engine.probe("image_desk")->rejected, 0U);
}

TEST_F(image_desk_test, what_is_not_needed_is_given_back) {
  add("a", 1);
  add("b", 2);
  introduce("a", {"b"});
  introduce("b", {"a"});
  ask_many("a", 3);
  read_all({"a", "b"});
  ask_many("b", 2);
  EXPECT_EQ(nodes["b"].questions.size(), 2U) << "nothing of b is kept for a";
  EXPECT_EQ(nodes["a"].questions.size(), 0U);
}

TEST_F(image_desk_test, a_node_with_images_of_its_own_grants_nothing) {
  add("a", 1);
  add("b", 2);
  introduce("b", {"a"});
  ask_many("b", 20);  // two at b, one at a
  introduce("a", {"b"});
  ask_many("a", 5);
  for (int i = 0; i < 10; ++i) {
    read("b");
    ASSERT_EQ(nodes["b"].questions.size(), 2U);
    for (const auto& q : nodes["b"].questions)
      EXPECT_LT(q.asked.image.source, "page:10021") << "one of a's";
  }
  read_all({"a", "b"});
  EXPECT_EQ(outcomes["read by a"] + outcomes["read by b"], 25);
}

TEST_F(image_desk_test, a_node_without_image_actors_works_with_another) {
  add("a", 0);
  add("b", 1);
  introduce("a", {"b"});
  introduce("b");
  ask_many("a", 3);
  EXPECT_EQ(nodes["b"].questions.size(), 1U);
  EXPECT_EQ(nodes["b"].questions[0].asked.path, "/d.pdf");
  read_all({"b"});
  EXPECT_EQ(outcomes, (std::map<std::string, int>{{"read by b", 3}}));
}

TEST_F(image_desk_test, what_a_lost_node_had_is_read_elsewhere) {
  add("a", 1);
  add("b", 2);
  introduce("a", {"b"});
  introduce("b", {"a"});
  ask_many("a", 6);
  EXPECT_EQ(nodes["b"].questions.size(), 2U);
  introduce("a");  // the link to b is lost
  read_all({"a"});
  EXPECT_EQ(outcomes, (std::map<std::string, int>{{"read by a", 6}}));
  read_all({"b"});
  EXPECT_EQ(outcomes, (std::map<std::string, int>{{"read by a", 6}})) << "too late";
}

// A promise to a node that died would keep image actors idle for ever.
TEST_F(image_desk_test, what_a_lost_node_was_granted_is_free) {
  add("a", 1);
  add("b", 2);
  introduce("a", {"b"});
  introduce("b");
  ask_many("a", 3);
  engine.kill(nodes["a"].desk);
  read_all({"b"});
  ask_many("b", 2);
  EXPECT_EQ(nodes["b"].questions.size(), 2U);
}

TEST_F(image_desk_test, the_image_of_an_actor_that_dies_is_read_by_another) {
  add("a", 2);
  introduce("a");
  ask_many("a", 2);
  engine.kill(nodes["a"].workers[0]);
  EXPECT_TRUE(failures.empty()) << "it waits for the other one";
  nodes["a"].workers.erase(nodes["a"].workers.begin());
  introduce("a");
  nodes["a"].questions.pop_front();  // of the dead one
  while (!nodes["a"].questions.empty()) read("a");
  EXPECT_EQ(outcomes["read by a"], 2);
  EXPECT_TRUE(failures.empty());
}

/// Whatever its code, an error does not mean that the actor which answers with it is dead.
TEST_F(image_desk_test, an_image_actor_that_answers_with_an_error_goes_on_working) {
  add("a", 2);
  introduce("a");
  for (const auto code : {ec::internal, ec::actor_lost, ec::resource_exhausted})
    for (int i = 0; i < 4; ++i) {
      ask("a");
      while (!nodes["a"].questions.empty()) read("a", fail(code, "so it says"));
      engine.advance(image_desk_actor_impl::tick_interval);
      while (!nodes["a"].questions.empty()) read("a", fail(code, "so it says"));
    }
  EXPECT_FALSE(failures.empty());
  ask_many("a", 2);
  EXPECT_EQ(nodes["a"].questions.size(), 2U) << "both are there";
  while (!nodes["a"].questions.empty()) read("a");
  EXPECT_EQ(outcomes["read by a"], 2);
}

TEST_F(image_desk_test, documents_wait_for_a_node_that_reads_images_and_not_for_ever) {
  add("a", 0);
  add("b", 1);
  introduce("a");
  ask("a");
  engine.advance(seconds{20}, seconds{1});
  EXPECT_TRUE(failures.empty());
  introduce("a", {"b"});
  introduce("b");
  read_all({"b"});
  EXPECT_EQ(outcomes["read by b"], 1);
  introduce("a");
  ask("a");
  engine.advance(seconds{40}, seconds{1});
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].code, ec::role_away);
}

TEST_F(image_desk_test, decoration_is_not_sent_anywhere) {
  add("a", 0);
  introduce("a");
  describe_image order;
  order.image.info = {std::string(64, 'd'), "image/png", 3, 3, 9, "page:1"};
  const auto described = engine.ask<image_described>(nodes["a"].desk, order);
  ASSERT_TRUE(described);
  EXPECT_FALSE(described->kept);
}

/// The fetcher of a node: counts what it is asked for.
file_fetcher_actor spawn_fetcher(virtual_engine& engine, const std::shared_ptr<int>& fetches,
                                 const std::shared_ptr<bool>& away) {
  return engine.keep(engine.system.spawn(
      [fetches, away](file_fetcher_actor::pointer) -> file_fetcher_actor::behavior_type {
        return {[fetches, away](const fetch_file&) -> caf::result<file_fetched> {
                  ++*fetches;
                  if (*away) return caf::make_error(ec::source_away, std::string{"not linked"});
                  return file_fetched{std::make_shared<scratch_file>(), {}};
                },
                [](const peers_changed&) {}, [](flush_atom, std::uint64_t) {}};
      }));
}

TEST_F(image_desk_test, a_document_that_lies_elsewhere_is_fetched_once_for_all_its_images) {
  const auto fetches = std::make_shared<int>(0);
  add("a", 0);
  add("b", 2);
  introduce("a", {"b"});
  introduce("b", {}, spawn_fetcher(engine, fetches, std::make_shared<bool>(false)));
  for (int i = 0; i < 10; ++i) ask("a", "file://a/d.pdf");
  read_all({"b"});
  EXPECT_EQ(outcomes["read by b"], 10);
  EXPECT_EQ(*fetches, 1);
  engine.advance(seconds{30}, seconds{1});
  ask("a", "file://a/d.pdf");
  read_all({"b"});
  EXPECT_EQ(*fetches, 2) << "it is not kept for ever";
}

TEST_F(image_desk_test, a_document_that_changed_meanwhile_is_not_read) {
  add("a", 0);
  add("b", 1);
  introduce("a", {"b"});
  introduce("b", {},
            spawn_fetcher(engine, std::make_shared<int>(0), std::make_shared<bool>(false)));
  ask("a", "file://c/d.pdf", {9, 7});
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].code, ec::source_changed);
  ask("a", "file://b/d.pdf", {9, 7});
  ASSERT_EQ(nodes["b"].questions.size(), 1U) << "its place is free again";
  EXPECT_EQ(nodes["b"].questions[0].asked.version, (file_version{9, 7})) << "on its own disk";
}

TEST_F(image_desk_test, a_document_that_cannot_be_fetched_holds_nothing_up) {
  const auto fetches = std::make_shared<int>(0);
  const auto away = std::make_shared<bool>(true);
  add("a", 0);
  add("b", 1);
  introduce("a", {"b"});
  introduce("b", {}, spawn_fetcher(engine, fetches, away));
  ask("a", "file://c/d.pdf");
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].code, ec::source_away);
  EXPECT_EQ(*fetches, image_desk_actor_impl::max_tries);
  ask("a");
  read_all({"b"});
  EXPECT_EQ(outcomes["read by b"], 1) << "its place is free again";
}

// Whatever order things happen in, each image is answered once, and nobody has more at work than
// actors.
TEST_F(image_desk_test, every_image_is_read_once_in_any_order_of_events) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_source random{seed};
    nodes.clear();
    outcomes.clear();
    failures.clear();
    const std::vector<std::string> names{"a", "b", "c"};
    for (const auto& name : names) add(name, 1 + random() % 3);
    const auto others_of = [&](const std::string& name) {
      std::vector<std::string> others;
      for (const auto& other : names)
        if (other != name && random() % 3 != 0) others.push_back(other);
      return others;
    };
    int total = 0;
    for (int step = 0; step < 200; ++step) {
      const auto& name = names[random() % names.size()];
      switch (random() % 4) {
        case 0:
          introduce(name, others_of(name));
          break;
        case 1:
          ask(name);
          ++total;
          break;
        default:
          if (!nodes[name].questions.empty()) read(name);
      }
    }
    for (const auto& name : names) introduce(name, others_of(name));
    read_all(names);
    int answered = static_cast<int>(failures.size());
    for (const auto& [text, count] : outcomes) answered += count;
    EXPECT_EQ(answered, total);
    for (const auto& name : names) EXPECT_LE(nodes[name].most, nodes[name].workers.size());
  }
}

}  // namespace
}  // namespace millrace
