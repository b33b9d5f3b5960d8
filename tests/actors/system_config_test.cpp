// What is set of CAF: its defaults wait for dead peers for ever, and let one actor keep a thread.
#include "actors/system_config.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(system_config, a_silent_link_is_given_up_after_two_seconds) {
  const system_config with_links{tls_settings{}};
  EXPECT_EQ(caf::get_or(with_links, "middleman.heartbeat-interval", caf::timespan{0}),
            std::chrono::milliseconds{500});
  EXPECT_EQ(caf::get_or(with_links, "middleman.connection-timeout", caf::timespan{0}),
            std::chrono::seconds{2});
}

TEST(system_config, an_actor_gives_way_after_some_messages) {
  EXPECT_EQ(caf::get_or(system_config{}, "scheduler.max-throughput", std::size_t{0}), 100U);
}

TEST(system_config, links_are_of_one_authority_where_there_is_one) {
  tls_settings tls;
  tls.ca = "ca.pem";
  tls.certificate = "a.pem";
  tls.key = "a.key";
  const system_config with_links{tls};
  const auto set_to = [&](caf::string_view key) {
    return caf::get_or(with_links, key, std::string{"not set"});
  };
  EXPECT_EQ(set_to("openssl.cafile"), "ca.pem");
  EXPECT_EQ(set_to("openssl.certificate"), "a.pem");
  EXPECT_EQ(set_to("openssl.key"), "a.key");
}

}  // namespace
}  // namespace millrace
