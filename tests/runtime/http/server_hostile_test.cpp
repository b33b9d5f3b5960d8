// Clients that are broken, greedy, slow or malicious.
#include <atomic>
#include <memory>
#include <random>
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
using testing::StartsWith;

void expect_served(const server& s) {
  raw_client c(s.address());
  ASSERT_TRUE(c.send(get("/fine")));
  EXPECT_THAT(c.read_response(), EndsWith("GET /fine "));
}

TEST(server_hostile, a_body_over_the_limit_is_413_without_being_read) {
  server_config config;
  config.max_body = 1_KiB;
  const auto s = start(echo, config);
  raw_client c(s->address());
  ASSERT_TRUE(c.send("PUT /x HTTP/1.1\r\nHost: t\r\nContent-Length: 1025\r\n\r\n"));
  const auto answer = c.read_to_end();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer, HasSubstr("\"code\":\"body_too_large\""));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
}

TEST(server_hostile, a_body_at_the_limit_is_taken) {
  server_config config;
  config.max_body = 1_KiB;
  const auto s = start(echo, config);
  raw_client c(s->address());
  const std::string body(1024, 'x');
  ASSERT_TRUE(c.send("PUT /x HTTP/1.1\r\nHost: t\r\nContent-Length: 1024\r\n\r\n" + body));
  EXPECT_THAT(c.read_response(), EndsWith("PUT /x " + body));
}

TEST(server_hostile, a_chunked_body_over_the_limit_is_413_for_a_client_that_is_still_sending) {
  server_config config;
  config.max_body = 1_KiB;
  const auto s = start(echo, config);
  raw_client c(s->address());
  c.send("PUT /x HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 64; ++i) c.send("400\r\n" + std::string(1024, 'x') + "\r\n");
  c.end_sending();
  EXPECT_THAT(c.read_to_end(), StartsWith("HTTP/1.1 413 "));
}

TEST(server_hostile, a_header_over_the_limit_is_431) {
  server_config config;
  config.max_header = byte_size{1024};
  const auto s = start(echo, config);
  raw_client many(s->address());
  many.send(get("/", "X-A: " + std::string(2000, 'a') + "\r\n"));
  many.end_sending();
  EXPECT_THAT(many.read_to_end(), StartsWith("HTTP/1.1 431 "));
  raw_client endless(s->address());
  endless.send("GET /" + std::string(200'000, 'a'));
  endless.end_sending();
  EXPECT_THAT(endless.read_to_end(), StartsWith("HTTP/1.1 431 "));
  expect_served(*s);
}

TEST(server_hostile, malformed_requests_are_400) {
  const auto s = start(echo);
  for (const std::string_view text :
       {"hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /% HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
        "GET x HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        "PUT / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    raw_client c(s->address());
    c.send(text);
    const auto answer = c.read_to_end();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << text;
    EXPECT_THAT(answer, HasSubstr("\"code\":\"malformed_request\"")) << text;
  }
}

TEST(server_hostile, other_versions_and_encodings_are_refused_by_name) {
  const auto s = start(echo);
  raw_client encoded(s->address());
  encoded.send("PUT / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip\r\n\r\n");
  EXPECT_THAT(encoded.read_to_end(), StartsWith("HTTP/1.1 501 "));
}

TEST(server_hostile, garbage_never_harms_other_clients) {
  const auto s = start(echo);
  std::mt19937 random(1234);
  for (int i = 0; i < 300; ++i) {
    std::string bytes(1 + random() % 2000, '\0');
    for (auto& b : bytes) b = static_cast<char>(random());
    if (i % 3 == 0) bytes = get("/") + bytes;
    if (i % 3 == 1)
      bytes = "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n" + bytes;
    raw_client c(s->address());
    c.send(bytes);
    c.end_sending();
    c.read_to_end();
  }
  expect_served(*s);
}

TEST(server_hostile, a_header_that_never_ends_is_cut_off) {
  server_config config;
  config.read_timeout = std::chrono::milliseconds{200};
  const auto s = start(echo, config);
  raw_client silent(s->address());
  raw_client half(s->address());
  ASSERT_TRUE(half.send("GET / HTTP/1.1\r\nHost: t\r\nX-Slow: "));
  EXPECT_EQ(silent.read_to_end(), "");
  EXPECT_EQ(half.read_to_end(), "");
}

TEST(server_hostile, bytes_that_trickle_in_do_not_extend_the_time_of_a_header) {
  server_config config;
  config.read_timeout = std::chrono::milliseconds{300};
  config.idle_timeout = std::chrono::hours{1};
  const auto s = start(echo, config);
  raw_client c(s->address());
  ASSERT_TRUE(c.send("GET / HTTP/1.1\r\n"));
  // Sends as fast as it is taken, one byte a time: the header limit alone would allow 16,384 of
  // them.
  const auto deadline = std::chrono::steady_clock::now() + test::patience;
  bool open = true;
  while (open && std::chrono::steady_clock::now() < deadline) {
    open = c.send("X");
    std::this_thread::sleep_for(std::chrono::milliseconds{20});  // The attack's pace, not a wait.
  }
  EXPECT_FALSE(open);
}

TEST(server_hostile, a_body_that_never_comes_is_cut_off) {
  server_config config;
  config.read_timeout = std::chrono::milliseconds{200};
  const auto s = start(echo, config);
  raw_client c(s->address());
  ASSERT_TRUE(c.send("PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nabc"));
  EXPECT_EQ(c.read_to_end(), "");
}

TEST(server_hostile, a_connection_that_asks_nothing_more_is_closed) {
  server_config config;
  config.idle_timeout = std::chrono::milliseconds{200};
  const auto s = start(echo, config);
  raw_client c(s->address());
  ASSERT_TRUE(c.send(get("/")));
  EXPECT_THAT(c.read_response(), EndsWith("GET / "));
  EXPECT_EQ(c.read_to_end(), "");
}

TEST(server_hostile, a_client_that_does_not_read_is_cut_off) {
  server_config config;
  config.write_timeout = std::chrono::milliseconds{200};
  const auto s = start(
      [](const request&) {
        response out;
        out.stream = [](std::string& chunk) {
          chunk.assign(1'000, 'x');
          return true;
        };
        return out;
      },
      config);
  raw_client c(s->address());
  ASSERT_TRUE(c.send(get("/")));
  // Nothing is read until the server has given up, which shows in that sending fails.
  const auto deadline = std::chrono::steady_clock::now() + test::patience;
  while (c.send("x") && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  EXPECT_FALSE(c.send("x"));
  raw_client other(s->address());
  ASSERT_TRUE(other.send(get("/")));
  EXPECT_TRUE(other.read_until("xxx"));
}

TEST(server_hostile, a_connection_over_the_limit_is_told_so) {
  server_config config;
  config.max_connections = 2;
  const auto s = start(echo, config);
  auto first = std::make_unique<raw_client>(s->address());
  raw_client second(s->address());
  for (auto* c : {first.get(), &second}) {
    ASSERT_TRUE(c->send(get("/")));
    EXPECT_THAT(c->read_response(), EndsWith("GET / "));
  }
  raw_client third(s->address());
  const auto refusal = third.read_to_end();
  EXPECT_THAT(refusal, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refusal, HasSubstr("Retry-After: "));
  first.reset();
  // The place is free as soon as the server has seen the end of the first connection.
  const auto deadline = std::chrono::steady_clock::now() + test::patience;
  std::string answer;
  while (!answer.ends_with("GET /again ") && std::chrono::steady_clock::now() < deadline) {
    raw_client next(s->address());
    next.send(get("/again", "Connection: close\r\n"));
    answer = next.read_to_end();
  }
  EXPECT_THAT(answer, EndsWith("GET /again "));
}

TEST(server_hostile, requests_over_the_queue_are_503_and_the_others_are_served) {
  server_config config;
  config.workers = 1;
  config.max_queued = 1;
  test::gate gate;
  const auto s = start(
      [&](const request& r) {
        gate.pass();
        return echo(r);
      },
      config);
  raw_client running(s->address());
  ASSERT_TRUE(running.send(get("/running")));
  ASSERT_TRUE(gate.wait_for(1));
  // Of three more one waits and two are refused, whichever come first.
  std::atomic<int> refused = 0;
  std::atomic<int> served = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < 3; ++i)
    clients.emplace_back([&] {
      raw_client c(s->address());
      c.send(get("/x"));
      const auto answer = c.read_response();
      if (answer.starts_with("HTTP/1.1 503 ") && answer.find("Retry-After: ") != std::string::npos)
        ++refused;
      if (answer.ends_with("GET /x ")) ++served;
    });
  const auto deadline = std::chrono::steady_clock::now() + test::patience;
  while (refused < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(served, 0);
  gate.open();
  clients.clear();
  EXPECT_EQ(served, 1);
  EXPECT_THAT(running.read_response(), EndsWith("GET /running "));
}

}  // namespace
}  // namespace millrace::http
