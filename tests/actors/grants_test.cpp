// What embedder and committer hold and have granted never exceeds their limits, in any order of
// events.
#include <functional>

#include "actors/committer.hpp"
#include "actors/embedder.hpp"
#include "tests/actors/engine_fixture.hpp"

namespace millrace {
namespace {

/// Granted and not yet through, as the producers see it.
struct outstanding {
  demand now;
  demand most;
  std::size_t finished = 0;
  std::vector<error> refused;
  void add(demand d) {
    now += d;
    most = {std::max(most.items, now.items), std::max(most.bytes, now.bytes)};
  }
  void remove(demand d) { now = {now.items - d.items, now.bytes - d.bytes}; }
};

/// As a document actor does: asks, waits for the grant, sends; `count` times.
template <class Consumer, class Message, class Answer>
class producer : public caf::event_based_actor {
 public:
  producer(caf::actor_config& config, Consumer to, outstanding* seen,
           std::vector<std::uint64_t> bytes, std::function<Message(std::uint64_t)> make)
      : event_based_actor{config},
        to_{std::move(to)},
        seen_{seen},
        bytes_{std::move(bytes)},
        make_{std::move(make)} {}
  caf::behavior make_behavior() override {
    next();
    return {[](wake_atom) {}};
  }
  void on_exit() override { to_ = Consumer{}; }

 private:
  void next() {
    if (bytes_.empty()) {
      ++seen_->finished;
      return;
    }
    auto message = make_(bytes_.back());
    bytes_.pop_back();
    const demand work{1, message.bytes};
    total_ += work;
    request(to_, caf::infinite, ask_grant{total_})
        .then(
            [this, work, message = std::move(message)](const granted&) {
              seen_->add(work);
              request(to_, caf::infinite, message)
                  .then([this](const Answer&) { next(); },
                        [this](const caf::error& e) { fails(e); });
            },
            [this](const caf::error& e) { fails(e); });
  }
  void fails(const caf::error& e) { seen_->refused.push_back(from_caf(e)); }

  Consumer to_;
  outstanding* seen_;
  std::vector<std::uint64_t> bytes_;
  std::function<Message(std::uint64_t)> make_;
  demand total_;
};

using committing_producer = producer<committer_actor, commit_document, document_accepted>;
using embedding_producer = producer<embedder_actor, embed_chunks, chunks_embedded>;

commit_document commit_of(std::uint64_t size) {
  static std::int64_t token = 0;
  commit_document m{result_of(++token, size), 0};
  m.bytes = m.outcome.bytes();
  return m;
}

embed_chunks chunks_of(std::uint64_t size) {
  return {{std::string(size, 'x')}, size};
}

std::vector<std::uint64_t> sizes(random_source& random, std::size_t count, std::uint64_t most) {
  std::vector<std::uint64_t> all(count);
  for (auto& s : all) s = 1 + random() % most;
  return all;
}

TEST(grants, the_committer_never_holds_and_grants_more_than_its_limit) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_source random{seed};
    virtual_engine engine;
    scripted_writer writer;
    const demand limit{7, 20'000};
    const auto committer = engine.spawn<committer_actor_impl>(
        "committer", committer_config{writer.seam(), limit, 3, duration{0}, engine.counters});
    outstanding seen;
    for (int i = 0; i < 100; ++i)
      engine.keep(engine.system.spawn<committing_producer>(committer, &seen, sizes(random, 3, 8000),
                                                           commit_of));
    engine.run(&random);
    int rounds = 0;
    while (!writer.groups.empty() && ++rounds < 1000) {
      ASSERT_LE(seen.now.items, limit.items);
      ASSERT_LE(seen.now.bytes, limit.bytes);
      for (const auto& d : writer.groups.front().documents) seen.remove({1, d.bytes()});
      writer.write();
      engine.run(&random);
    }
    EXPECT_EQ(seen.finished, 100U);
    EXPECT_EQ(writer.written.size(), 300U);
    EXPECT_EQ(seen.now, demand{});
    EXPECT_GE(seen.most.bytes, limit.bytes / 2);  // the limit was what held them back
    EXPECT_TRUE(seen.refused.empty());
    EXPECT_EQ(engine.probe("committer")->rejected, 0U);
  }
}

TEST(grants, the_embedder_never_holds_and_grants_more_than_its_limit) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_source random{seed};
    virtual_engine engine;
    const auto provider = std::make_shared<scripted_provider>();
    provider->bounds.max_inputs = 3;
    provider->bounds.concurrency = 2;
    const demand limit{5, 3000};
    const auto embedder = engine.spawn<embedder_actor_impl>(
        "embedder", embedder_config{.provider = provider, .limit = limit});
    outstanding seen;
    for (int i = 0; i < 100; ++i)
      engine.keep(engine.system.spawn<embedding_producer>(embedder, &seen, sizes(random, 3, 1500),
                                                          chunks_of));
    engine.advance(std::chrono::milliseconds{10}, std::chrono::milliseconds{5}, &random);
    int rounds = 0;
    while (!provider->calls.empty() && ++rounds < 1000) {
      ASSERT_LE(seen.now.items, limit.items);
      ASSERT_LE(seen.now.bytes, limit.bytes);
      for (const auto& text : provider->calls.front().inputs) seen.remove({1, text.size()});
      provider->answer();
      engine.advance(std::chrono::milliseconds{10}, std::chrono::milliseconds{5}, &random);
    }
    EXPECT_EQ(seen.finished, 100U);
    EXPECT_EQ(seen.now, demand{});
    EXPECT_EQ(seen.most.items, limit.items);
    EXPECT_TRUE(seen.refused.empty());
    EXPECT_EQ(engine.probe("embedder")->rejected, 0U);
  }
}

TEST(grants, a_producer_that_asks_for_nothing_is_refused) {
  virtual_engine engine;
  scripted_writer writer;
  const auto provider = std::make_shared<scripted_provider>();
  const auto committer = engine.spawn<committer_actor_impl>(
      "committer", committer_config{.write = writer.seam(), .counters = engine.counters});
  const auto embedder =
      engine.spawn<embedder_actor_impl>("embedder", embedder_config{.provider = provider});
  const auto committed = engine.ask<document_accepted>(committer, commit_of(10));
  const auto embedded = engine.ask<chunks_embedded>(embedder, chunks_of(10));
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, ec::mailbox_full);
  ASSERT_FALSE(embedded);
  EXPECT_EQ(embedded.error().code, ec::mailbox_full);
  EXPECT_TRUE(writer.groups.empty());
  for (const auto* role : {"committer", "embedder"})
    EXPECT_EQ(engine.probe(role)->rejected, 1U) << role;
}

TEST(grants, a_producer_is_held_to_the_bytes_it_was_granted) {
  virtual_engine engine;
  scripted_writer writer;
  const auto committer = engine.spawn<committer_actor_impl>(
      "committer", committer_config{.write = writer.seam(), .counters = engine.counters});
  auto message = commit_of(1000);
  ASSERT_TRUE(engine.ask<granted>(committer, ask_grant{{1, message.bytes - 1}}));
  const auto over = engine.ask<document_accepted>(committer, message);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, ec::mailbox_full);
  ASSERT_TRUE(engine.ask<granted>(committer, ask_grant{{1, message.bytes}}));
  EXPECT_TRUE(engine.ask<document_accepted>(committer, message));
  EXPECT_FALSE(engine.ask<document_accepted>(committer, message));  // spent
}

/// Takes a grant and sends nothing.
caf::behavior idler(caf::event_based_actor* self, const committer_actor& to, bool* granted_to,
                    demand total) {
  self->request(to, caf::infinite, ask_grant{total})
      .then([granted_to](const granted&) { *granted_to = true; }, [](const caf::error&) {});
  return {[](wake_atom) {}};
}

TEST(grants, a_producer_that_dies_frees_what_it_was_granted) {
  virtual_engine engine;
  scripted_writer writer;
  const auto committer = engine.spawn<committer_actor_impl>(
      "committer",
      committer_config{.write = writer.seam(), .limit = {1, 1000}, .counters = engine.counters});
  bool first = false, second = false, third = false;
  const auto holder = engine.keep(engine.system.spawn(idler, committer, &first, demand{1, 10}));
  engine.run();
  const auto waiting = engine.keep(engine.system.spawn(idler, committer, &second, demand{1, 10}));
  engine.run();
  engine.keep(engine.system.spawn(idler, committer, &third, demand{1, 10}));
  engine.run();
  EXPECT_TRUE(first);
  EXPECT_FALSE(second);
  engine.kill(waiting);  // in line: those behind it move up
  EXPECT_FALSE(third);
  engine.kill(holder);
  EXPECT_FALSE(second);
  EXPECT_TRUE(third);
}

TEST(grants, what_is_larger_than_the_whole_limit_goes_alone) {
  virtual_engine engine;
  scripted_writer writer;
  const auto committer = engine.spawn<committer_actor_impl>(
      "committer",
      committer_config{.write = writer.seam(), .limit = {8, 1000}, .counters = engine.counters});
  outstanding small, large;
  engine.keep(engine.system.spawn<committing_producer>(committer, &small,
                                                       std::vector<std::uint64_t>{10}, commit_of));
  engine.run();
  engine.keep(engine.system.spawn<committing_producer>(
      committer, &large, std::vector<std::uint64_t>{50'000}, commit_of));
  outstanding behind;
  engine.keep(engine.system.spawn<committing_producer>(committer, &behind,
                                                       std::vector<std::uint64_t>{10}, commit_of));
  engine.run();
  EXPECT_EQ(small.now.items, 1U);
  EXPECT_EQ(large.now.items, 0U);  // waits until nothing else is held
  writer.write();
  engine.run();
  EXPECT_EQ(large.now.items, 1U);
  EXPECT_EQ(behind.now.items, 0U);
  ASSERT_EQ(writer.sizes.back(), 1U);
  writer.write();
  engine.run();
  EXPECT_EQ(behind.now.items, 1U);
}

}  // namespace
}  // namespace millrace
