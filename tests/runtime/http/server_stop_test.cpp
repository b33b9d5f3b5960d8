#include <filesystem>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/http/server.hpp"
#include "tests/runtime/http/support.hpp"

namespace millrace::http {
namespace {

using test::echo;
using test::get;
using test::raw_client;
using test::start;
using testing::EndsWith;
using testing::HasSubstr;

TEST(server_stop, closes_idle_connections_and_accepts_no_more) {
  const auto s = start(echo);
  raw_client used(s->address());
  ASSERT_TRUE(used.send(get("/")));
  used.read_response();
  raw_client fresh(s->address());
  s->stop();
  EXPECT_EQ(used.read_to_end(), "");
  EXPECT_EQ(fresh.read_to_end(), "");
  EXPECT_FALSE(raw_client(s->address()).connected());
}

TEST(server_stop, lets_a_running_request_finish) {
  server_config config;
  config.stop_timeout = test::patience;
  test::gate gate;
  const auto s = start(
      [&](const request& r) {
        gate.pass();
        return echo(r);
      },
      config);
  raw_client c(s->address());
  ASSERT_TRUE(c.send(get("/slow")));
  ASSERT_TRUE(gate.wait_for(1));
  std::thread stopping([&] { s->stop(); });
  // The listening socket closes first: when that shows, the stop is under way.
  const auto deadline = std::chrono::steady_clock::now() + test::patience;
  while (raw_client(s->address()).connected() && std::chrono::steady_clock::now() < deadline) {
  }
  gate.open();
  const auto answer = c.read_to_end();
  stopping.join();
  EXPECT_THAT(answer, EndsWith("GET /slow "));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
}

TEST(server_stop, does_not_wait_longer_than_its_time_out_for_a_handler) {
  server_config config;
  config.stop_timeout = std::chrono::milliseconds{50};
  test::gate gate;
  auto s = start(
      [&](const request& r) {
        gate.pass();
        return echo(r);
      },
      config);
  raw_client c(s->address());
  ASSERT_TRUE(c.send(get("/stuck")));
  ASSERT_TRUE(gate.wait_for(1));
  s->stop();  // Returns although the gate is closed; else the test's own time limit ends it.
  EXPECT_EQ(c.read_to_end(), "");
  gate.open();
  s.reset();
}

TEST(server_stop, may_be_called_by_many_and_again) {
  const auto s = start(echo);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { s->stop(); });
  }
  s->stop();
  EXPECT_FALSE(raw_client(s->address()).connected());
}

TEST(server_stop, under_load_every_client_gets_whole_answers_or_the_end) {
  for (int round = 0; round < 10; ++round) {
    const auto s = start(echo);
    std::atomic<int> served = 0;
    std::atomic<int> broken = 0;
    std::vector<std::jthread> clients;
    for (int i = 0; i < 8; ++i)
      clients.emplace_back([&] {
        raw_client c(s->address());
        while (c.send(get("/load"))) {
          const auto answer = c.read_response();
          if (answer.empty()) break;
          answer.ends_with("GET /load ") ? ++served : ++broken;
        }
      });
    const auto deadline = std::chrono::steady_clock::now() + test::patience;
    while (served < 50 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    s->stop();
    clients.clear();
    EXPECT_GE(served, 50);
    EXPECT_EQ(broken, 0);
  }
}

TEST(server_stop, removes_the_unix_socket) {
  const test::scratch_folder folder;
  server_config config;
  config.listen = "unix:" + folder.file("api.sock");
  const auto s = start(echo, config);
  EXPECT_TRUE(std::filesystem::exists(folder.file("api.sock")));
  s->stop();
  EXPECT_FALSE(std::filesystem::exists(folder.file("api.sock")));
}

}  // namespace
}  // namespace millrace::http
