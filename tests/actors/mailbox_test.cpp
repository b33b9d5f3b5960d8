// The mailbox limit of every actor is exact, whoever sends.
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <sstream>
#include <thread>

#include <spdlog/sinks/ostream_sink.h>

#include "actors/image.hpp"
#include "tests/actors/engine_fixture.hpp"

namespace millrace {
namespace {

struct tally {
  std::atomic<int> answered{0};
  std::atomic<int> refused{0};
  std::atomic<int> other{0};
  int all() const { return answered + refused + other; }
};

/// Sends `count` requests at once, whatever the receiver grants.
caf::behavior burst(caf::event_based_actor* self, const image_actor& to, tally* seen, int count) {
  for (int i = 0; i < count; ++i)
    self->request(to, caf::infinite, describe_image{})
        .then([seen](const image_described&) { ++seen->answered; },
              [seen](const caf::error& e) {
                if (from_caf(e).code == ec::mailbox_full)
                  ++seen->refused;
                else
                  ++seen->other;
              });
  return {[](wake_atom) {}};
}

TEST(mailbox, what_exceeds_the_limit_is_refused_at_once_and_counted) {
  virtual_engine engine;
  const auto images = engine.spawn<image_actor_impl>("image", image_config{}, 4);
  tally seen;
  for (int i = 0; i < 10; ++i) engine.keep(engine.system.spawn(burst, images, &seen, 1));
  engine.run();
  const auto probe = engine.probe("image");
  EXPECT_EQ(seen.answered, 4);
  EXPECT_EQ(seen.refused, 6);
  EXPECT_EQ(seen.other, 0);
  EXPECT_EQ(probe->peak, 4);
  EXPECT_EQ(probe->depth, 0);
  EXPECT_EQ(probe->rejected, 6U);
  EXPECT_EQ(probe->handled, 4U);
}

TEST(mailbox, every_request_is_answered_once_in_any_order) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_source random{seed};
    virtual_engine engine;
    const auto images = engine.spawn<image_actor_impl>("image", image_config{}, 3);
    tally seen;
    for (int i = 0; i < 8; ++i) engine.keep(engine.system.spawn(burst, images, &seen, 5));
    engine.run(&random);
    const auto probe = engine.probe("image");
    EXPECT_EQ(seen.answered + seen.refused, 40);
    EXPECT_GT(seen.answered, 0);
    EXPECT_EQ(probe->peak, 3);
    EXPECT_EQ(probe->depth, 0);
    EXPECT_EQ(probe->rejected, static_cast<std::uint64_t>(seen.refused));
    EXPECT_EQ(probe->handled, static_cast<std::uint64_t>(seen.answered));
  }
}

TEST(mailbox, room_that_was_made_is_used_again) {
  virtual_engine engine;
  const auto images = engine.spawn<image_actor_impl>("image", image_config{}, 1);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(engine.ask<image_described>(images, describe_image{}));
  EXPECT_EQ(engine.probe("image")->rejected, 0U);
  EXPECT_EQ(engine.probe("image")->peak, 1);
}

/// Waits in its first handler until the test lets it go on.
class gated_actor : public bounded_actor<image_actor> {
 public:
  struct gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
  };
  gated_actor(caf::actor_config& config, actor_place place, gate* g)
      : bounded_actor{config, std::move(place)}, gate_{g} {}
  behavior_type make_behavior() override {
    return {[this](describe_image&) {
              std::unique_lock lock{gate_->mutex};
              gate_->changed.wait(lock, [this] { return gate_->open; });
              return image_described{};
            },
            [](const image_read&) {}};
  }

 private:
  gate* gate_;
};

template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(mailbox, the_limit_is_exact_under_eight_producers_on_real_threads) {
  constexpr int producers = 8, requests = 500, limit = 32;
  system_config config;
  config.set("scheduler.max-threads", std::size_t{4});
  caf::actor_system system{config};
  const auto directory = std::make_shared<actor_directory>("node");
  gated_actor::gate gate;
  tally seen;
  {
    const auto target =
        system.spawn<gated_actor, caf::detached>(make_place(directory, "gated", limit, 0), &gate);
    const auto probe = directory->list().at(0);
    std::vector<caf::actor> bursts;
    for (int i = 0; i < producers; ++i)
      bursts.push_back(system.spawn(burst, target, &seen, requests));
    // Nothing leaves while the gate is closed: exactly `limit` were taken.
    EXPECT_TRUE(eventually([&] { return seen.refused == producers * requests - limit; }));
    EXPECT_EQ(probe->peak, limit);
    EXPECT_EQ(probe->depth, limit);
    {
      const std::lock_guard lock{gate.mutex};
      gate.open = true;
    }
    gate.changed.notify_all();
    EXPECT_TRUE(eventually([&] { return seen.all() == producers * requests; }));
    EXPECT_TRUE(eventually([&] { return probe->depth == 0; }));
    // Again, now that it works while they send.
    for (int i = 0; i < producers; ++i)
      bursts.push_back(system.spawn(burst, target, &seen, requests));
    EXPECT_TRUE(eventually([&] { return seen.all() == 2 * producers * requests; }));
    EXPECT_TRUE(eventually([&] { return probe->depth == 0; }));
    EXPECT_EQ(seen.other, 0);
    EXPECT_EQ(probe->peak, limit);
    EXPECT_EQ(probe->rejected, static_cast<std::uint64_t>(seen.refused.load()));
    EXPECT_TRUE(eventually(
        [&] { return probe->handled == static_cast<std::uint64_t>(seen.answered.load()); }));
    for (auto& b : bursts) caf::anon_send_exit(b, caf::exit_reason::kill);
    caf::anon_send_exit(target, caf::exit_reason::kill);
  }
}

/// Computes in its handler for as long as it may not.
class slow_actor : public bounded_actor<image_actor> {
 public:
  slow_actor(caf::actor_config& config, actor_place place)
      : bounded_actor{config, std::move(place)} {}
  behavior_type make_behavior() override {
    return {[](describe_image&) {
              const auto end = std::chrono::steady_clock::now() + 2 * longest_handler;
              while (std::chrono::steady_clock::now() < end) {
              }
              return image_described{};
            },
            [](const image_read&) {}};
  }
};

TEST(handler_check, names_a_scheduled_handler_that_keeps_its_thread_for_too_long) {
  ::setenv("MILLRACE_CHECK_BLOCKING", "1", 1);
  ASSERT_TRUE(handlers_are_checked());
  std::ostringstream said;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(said)));
  {
    system_config config;
    caf::actor_system system{config};
    const auto directory = std::make_shared<actor_directory>("node");
    const auto ask = [&](const image_actor& target) {
      caf::scoped_actor self{system};
      self->request(target, caf::infinite, describe_image{})
          .receive([](const image_described&) {}, [](const caf::error&) {});
      self->send_exit(target, caf::exit_reason::kill);
    };
    ask(system.spawn<slow_actor>(make_place(directory, "slow", 8, 0)));
    ask(system.spawn<slow_actor, caf::detached>(make_place(directory, "detached", 8, 0)));
  }
  spdlog::set_default_logger(before);
  ::unsetenv("MILLRACE_CHECK_BLOCKING");
  EXPECT_NE(said.str().find("a handler of actor slow kept its scheduler's thread for "),
            std::string::npos)
      << said.str();
  EXPECT_NE(said.str().find("describe_image"), std::string::npos) << said.str();
  EXPECT_EQ(said.str().find("detached"), std::string::npos) << "it may take long";
}

}  // namespace
}  // namespace millrace
