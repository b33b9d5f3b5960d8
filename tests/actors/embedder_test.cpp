// The embedder: batches over documents, a timer for what is not full, and a provider that refuses.
#include "actors/embedder.hpp"

#include "tests/actors/engine_fixture.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;

class embedder_test : public ::testing::Test {
 protected:
  virtual_engine engine;
  std::shared_ptr<scripted_provider> provider = std::make_shared<scripted_provider>();
  std::shared_ptr<puller_log> puller = std::make_shared<puller_log>();
  embedder_actor embedder;
  demand sent;
  std::vector<std::optional<result<std::vector<embedding_bytes>>>> answers;

  void start(milliseconds batch_delay = milliseconds{5}) {
    embedder = engine.spawn<embedder_actor_impl>(
        "embedder", embedder_config{.provider = provider, .batch_delay = batch_delay});
    use_roles roles;
    roles.puller = spawn_puller_log(engine, puller);
    caf::anon_send(embedder, roles);
    engine.run();
  }

  /// A document's request; its answer comes to answers[place].
  void embed(std::vector<std::string> texts) {
    std::uint64_t bytes = 0;
    for (const auto& t : texts) bytes += t.size();
    const auto place = answers.size();
    answers.emplace_back();
    engine.keep(engine.system.spawn([this, place, bytes, texts = std::move(texts)](
                                        caf::event_based_actor* self) -> caf::behavior {
      const auto fails = [this, place](const caf::error& e) {
        answers[place].emplace(tl::unexpected<error>(from_caf(e)));
      };
      self->request(embedder, caf::infinite, ask_grant{{1, bytes}})
          .then(
              [this, self, place, bytes, texts, fails](const granted&) {
                self->request(embedder, caf::infinite, embed_chunks{texts, bytes})
                    .then(
                        [this, place](chunks_embedded& e) {
                          answers[place].emplace(std::move(e.embeddings));
                        },
                        fails);
              },
              fails);
      return {[](wake_atom) {}};
    }));
    engine.run();
  }

  void answer() {
    provider->answer();
    engine.run();
  }
  void refuse(ec code) {
    provider->refuse({code, "the provider refuses"});
    engine.run();
  }
};

TEST_F(embedder_test, a_batch_holds_chunks_of_many_documents_and_each_gets_its_own_back) {
  provider->bounds.max_inputs = 4;
  start();
  embed({"a", "bb"});
  embed({"ccc"});
  EXPECT_TRUE(provider->calls.empty());
  embed({"dddd", "eeeee"});
  ASSERT_EQ(provider->calls.size(), 1U);
  EXPECT_EQ(provider->calls[0].inputs, (std::vector<std::string>{"a", "bb", "ccc", "dddd"}));
  answer();
  ASSERT_TRUE(answers[0] && answers[1]);
  EXPECT_EQ(**answers[0], (std::vector{embedding_of("a"), embedding_of("bb")}));
  EXPECT_EQ(**answers[1], (std::vector{embedding_of("ccc")}));
  EXPECT_FALSE(answers[2]);  // half of it waits
  engine.advance(milliseconds{5}, milliseconds{5});
  ASSERT_EQ(provider->calls.size(), 1U);
  answer();
  ASSERT_TRUE(answers[2]);
  EXPECT_EQ(**answers[2], (std::vector{embedding_of("dddd"), embedding_of("eeeee")}));
}

TEST_F(embedder_test, a_batch_that_is_not_full_leaves_after_batch_delay_and_not_before) {
  start(milliseconds{5});
  embed({"a"});
  engine.advance(milliseconds{4}, milliseconds{1});
  EXPECT_EQ(provider->calls_made, 0U);
  embed({"b"});
  engine.advance(milliseconds{1}, milliseconds{1});
  ASSERT_EQ(provider->calls_made, 1U);  // counted from the first of them
  EXPECT_EQ(provider->calls[0].inputs, (std::vector<std::string>{"a", "b"}));
}

TEST_F(embedder_test, without_a_batch_delay_it_leaves_at_once) {
  start(milliseconds{0});
  embed({"a"});
  EXPECT_EQ(provider->calls.size(), 1U);
}

TEST_F(embedder_test, only_as_many_batches_are_in_flight_as_the_provider_wants) {
  provider->bounds.max_inputs = 1;
  provider->bounds.concurrency = 2;
  start();
  embed({"a", "b", "c", "d", "e"});
  EXPECT_EQ(provider->calls.size(), 2U);
  answer();
  EXPECT_EQ(provider->calls.size(), 2U);
  while (!provider->calls.empty()) answer();
  EXPECT_EQ(provider->calls_made, 5U);
  ASSERT_TRUE(answers[0]);
  EXPECT_EQ((*answers[0])->size(), 5U);
}

TEST_F(embedder_test, one_batch_that_fails_fails_its_documents_only) {
  provider->bounds.max_inputs = 1;
  start();
  embed({"a"});
  embed({"b"});
  refuse(ec::embedding_unavailable);
  answer();
  ASSERT_TRUE(answers[0] && answers[1]);
  ASSERT_FALSE(*answers[0]);
  EXPECT_EQ(answers[0]->error().code, ec::embedding_unavailable);
  EXPECT_TRUE(*answers[1]);
  EXPECT_TRUE(puller->pauses.empty());
}

TEST_F(embedder_test, a_provider_that_refuses_pauses_the_claims_until_it_works) {
  provider->bounds.max_inputs = 1;
  start();
  embed({"a"});
  refuse(ec::embedding_paused);
  ASSERT_EQ(puller->pauses.size(), 1U);
  EXPECT_EQ(puller->pauses[0].reason, "the provider refuses");
  EXPECT_EQ(puller->pauses[0].milliseconds, 30'000U);
  ASSERT_TRUE(answers[0]);
  EXPECT_EQ(answers[0]->error().code, ec::embedding_paused);
  EXPECT_EQ(puller->resumes, 0);
  embed({"b"});
  answer();
  EXPECT_EQ(puller->resumes, 1);
  embed({"c"});
  answer();
  EXPECT_EQ(puller->resumes, 1);
}

/// Claims resume by themselves after the pause, so a probe that is refused must pause them anew.
TEST_F(embedder_test, a_probe_that_is_refused_pauses_the_claims_again) {
  provider->bounds.max_inputs = 1;
  start();
  embed({"a"});
  refuse(ec::embedding_paused);
  engine.advance(std::chrono::seconds{30}, std::chrono::seconds{1});
  embed({"b"});
  refuse(ec::embedding_paused);
  EXPECT_EQ(puller->pauses.size(), 2U);
}

}  // namespace
}  // namespace millrace
