// What is set of CAF: its defaults wait for dead peers for ever, and let one actor keep a thread.
#include "actors/system_config.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(system_config, a_silent_link_is_given_up_after_two_seconds) {
  const system_config with_links{system_config::with_links{}};
  EXPECT_EQ(caf::get_or(with_links, "middleman.heartbeat-interval", caf::timespan{0}),
            std::chrono::milliseconds{500});
  EXPECT_EQ(caf::get_or(with_links, "middleman.connection-timeout", caf::timespan{0}),
            std::chrono::seconds{2});
}

TEST(system_config, an_actor_gives_way_after_some_messages) {
  EXPECT_EQ(caf::get_or(system_config{}, "scheduler.max-throughput", std::size_t{0}), 100U);
}

}  // namespace
}  // namespace millrace
