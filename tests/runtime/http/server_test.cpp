#include "runtime/http/server.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/http/client.hpp"
#include "tests/runtime/http/support.hpp"

namespace millrace::http {
namespace {

using test::echo;
using test::get;
using test::raw_client;
using test::start;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(server, answers_with_length_type_and_name) {
  const auto s = start(echo);
  raw_client c(s->address());
  ASSERT_TRUE(c.send(get("/a%20b")));
  const auto answer = c.read_response();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Server: millrace\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 9\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nGET /a b "));
}

TEST(server, an_empty_answer_has_a_length_too) {
  const auto s = start([](const request&) { return response{}; });
  raw_client c(s->address());
  ASSERT_TRUE(c.send(get("/")));
  EXPECT_THAT(c.read_response(), HasSubstr("Content-Length: 0\r\n"));
}

TEST(server, serves_ipv6) {
  server_config config;
  config.listen = "[::1]:0";
  auto s = server::start(config, echo);
  if (!s && s.error().code == ec::invalid_config) GTEST_SKIP() << "this machine has no IPv6";
  ASSERT_TRUE(s) << s.error().message;
  EXPECT_THAT((*s)->address(), StartsWith("[::1]:"));
  raw_client c((*s)->address());
  ASSERT_TRUE(c.send(get("/six")));
  EXPECT_THAT(c.read_response(), EndsWith("GET /six "));
}

TEST(server, serves_a_unix_socket_in_the_place_of_a_stale_one) {
  const test::scratch_folder folder;
  server_config config;
  config.listen = "unix:" + folder.file("api.sock");
  for (int life = 0; life < 2; ++life) {
    const auto s = start(echo, config);
    ASSERT_TRUE(s);
    raw_client c(s->address());
    ASSERT_TRUE(c.send(get("/unix")));
    EXPECT_THAT(c.read_response(), EndsWith("GET /unix "));
    auto second = server::start(config, echo);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ec::port_taken);
  }
}

TEST(server, keeps_the_connection_for_many_requests) {
  const auto s = start(echo);
  raw_client c(s->address());
  for (int i = 0; i < 100; ++i) {
    const auto path = "/" + std::to_string(i);
    ASSERT_TRUE(c.send("POST " + path + " HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc"));
    ASSERT_THAT(c.read_response(), EndsWith("POST " + path + " abc"));
  }
}

TEST(server, answers_pipelined_requests_in_order) {
  const auto s = start(echo);
  raw_client c(s->address());
  std::string all;
  for (int i = 0; i < 500; ++i) all += get("/" + std::to_string(i));
  std::jthread sender([&] { c.send(all); });
  for (int i = 0; i < 500; ++i)
    ASSERT_THAT(c.read_response(), EndsWith("GET /" + std::to_string(i) + " "));
}

TEST(server, closes_when_the_client_asks_and_after_http_1_0) {
  const auto s = start(echo);
  raw_client asked(s->address());
  ASSERT_TRUE(asked.send(get("/", "Connection: close\r\n")));
  EXPECT_THAT(asked.read_to_end(), HasSubstr("Connection: close\r\n"));
  raw_client old(s->address());
  ASSERT_TRUE(old.send("GET /old HTTP/1.0\r\n\r\n"));
  EXPECT_THAT(old.read_to_end(), EndsWith("GET /old "));
}

TEST(server, head_is_get_without_the_body) {
  const auto s = start(echo);
  raw_client c(s->address());
  ASSERT_TRUE(c.send("HEAD /x HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
  const auto answer = c.read_to_end();
  EXPECT_THAT(answer, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST(server, takes_chunked_bodies_and_absolute_targets) {
  const auto s = start(echo);
  raw_client c(s->address());
  ASSERT_TRUE(
      c.send("POST http://t/x?q=1 HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
  EXPECT_THAT(c.read_response(), EndsWith("POST /x abcde"));
}

TEST(server, says_continue_to_a_client_that_waits_for_it) {
  const auto s = start(echo);
  raw_client c(s->address());
  ASSERT_TRUE(
      c.send("PUT /x HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
  EXPECT_EQ(c.read_response(), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(c.send("abc"));
  EXPECT_THAT(c.read_response(), EndsWith("PUT /x abc"));
}

TEST(server, joins_repeated_headers_and_lowers_their_names) {
  const auto s = start([](const request& r) {
    response out;
    out.body = r.headers.at("x-many");
    return out;
  });
  raw_client c(s->address());
  ASSERT_TRUE(c.send(get("/", "X-Many: a\r\nx-MANY: b\r\n")));
  EXPECT_THAT(c.read_response(), EndsWith("\r\n\r\na, b"));
}

TEST(server, an_exception_is_answered_500_and_the_connection_lives_on) {
  const auto s = start([](const request& r) -> response {
    if (r.path == "/throw") throw std::runtime_error("secret detail");
    if (r.path == "/odd") throw 7;
    if (r.path == "/status")
      return {.status = 42, .content_type = {}, .body = {}, .headers = {}, .stream = {}};
    return echo(r);
  });
  raw_client c(s->address());
  for (const auto* path : {"/throw", "/odd", "/status"}) {
    ASSERT_TRUE(c.send(get(path)));
    const auto answer = c.read_response();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 ")) << path;
    EXPECT_THAT(answer, HasSubstr("{\"error\":{\"code\":\"internal\"")) << path;
    EXPECT_THAT(answer, Not(HasSubstr("secret detail")));
  }
  ASSERT_TRUE(c.send(get("/fine")));
  EXPECT_THAT(c.read_response(), EndsWith("GET /fine "));
}

TEST(server, a_line_break_in_a_handlers_header_is_not_sent) {
  const auto s = start([](const request&) {
    response out;
    out.headers["X-Name"] = "a\r\nX-Forged: 1";
    out.headers["X-Fine"] = "b";
    return out;
  });
  raw_client c(s->address());
  ASSERT_TRUE(c.send(get("/")));
  const auto answer = c.read_response();
  EXPECT_THAT(answer, Not(HasSubstr("X-Forged")));
  EXPECT_THAT(answer, HasSubstr("X-Fine: b\r\n"));
}

TEST(server, large_bodies_go_both_ways) {
  const auto s = start(echo);
  request r;
  r.method = "POST";
  r.path = "/";
  r.body.assign(10'000'000, 'x');
  const auto answer = send({"http://" + s->address(), ""}, r, test::patience);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body.size(), r.body.size() + std::string("POST / ").size());
}

TEST(server, two_hundred_keep_alive_clients_at_once_are_all_served) {
  constexpr int clients = 200;
  constexpr int requests = 10;
  std::atomic<int> handled = 0;
  const auto s = start([&](const request& r) {
    ++handled;
    return echo(r);
  });
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < clients; ++i)
      threads.emplace_back([&, i] {
        raw_client c(s->address());
        for (int n = 0; n < requests; ++n) {
          const auto path = "/" + std::to_string(i) + "/" + std::to_string(n);
          if (c.send(get(path)) && c.read_response().ends_with("GET " + path + " ")) ++right;
        }
      });
  }
  EXPECT_EQ(right, clients * requests);
  EXPECT_EQ(handled, clients * requests);
}

TEST(server, limits_that_make_no_sense_are_refused) {
  server_config config;
  config.listen = "127.0.0.1:0";
  config.workers = 0;
  const auto s = server::start(config, echo);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, ec::invalid_config);
}

}  // namespace
}  // namespace millrace::http
