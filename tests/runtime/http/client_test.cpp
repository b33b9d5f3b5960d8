#include "runtime/http/client.hpp"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/http/listener.hpp"
#include "tests/runtime/http/support.hpp"

namespace millrace::http {
namespace {

using test::echo;
using test::start;
using testing::AllOf;
using testing::HasSubstr;

request make(std::string method, std::string path) {
  request r;
  r.method = std::move(method);
  r.path = std::move(path);
  return r;
}

endpoint to(const server& s) {
  return {"http://" + s.address(), ""};
}

TEST(http_client, method_path_query_headers_and_body_arrive) {
  const auto s = start([](const request& r) {
    response out;
    out.status = 201;
    out.headers["X-Back"] = r.headers.at("x-there");
    out.body = r.method + " " + r.path + " " + r.query.at("q") + " " + r.body;
    return out;
  });
  auto r = make("PUT", "/a b");
  r.query["q"] = "1&2";
  r.headers["x-there"] = "yes";
  r.body = std::string("a\0b", 3);
  const auto answer = send(to(*s), r, test::patience);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->headers.at("x-back"), "yes");
  EXPECT_EQ(answer->content_type, "application/json");
  EXPECT_EQ(answer->body, "PUT /a b 1&2 " + r.body);
}

TEST(http_client, each_method_is_sent_as_it_is) {
  const auto s = start(echo);
  for (const auto* method : {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    const auto answer = send(to(*s), make(method, "/x"), test::patience);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, std::string(method) + " /x ");
  }
  const auto head = send(to(*s), make("HEAD", "/x"), test::patience);
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->headers.at("content-length"), "7");
  EXPECT_EQ(head->body, "");
}

TEST(http_client, the_token_is_sent_as_bearer) {
  const auto s = start([](const request& r) {
    response out;
    out.body = r.headers.at("authorization");
    return out;
  });
  const auto answer =
      send({"http://" + s->address() + "/", "s3cret"}, make("GET", "/"), test::patience);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "Bearer s3cret");
}

TEST(http_client, a_token_with_a_line_break_is_refused_and_not_repeated) {
  const auto answer = send({"http://127.0.0.1:1", "a\nb"}, make("GET", "/"), test::patience);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ec::invalid_argument);
  EXPECT_THAT(answer.error().message, testing::Not(HasSubstr("a\nb")));
}

TEST(http_client, speaks_over_unix_sockets) {
  const test::scratch_folder folder;
  server_config config;
  config.listen = "unix:" + folder.file("api.sock");
  const auto s = start(echo, config);
  const auto answer = send({s->address(), ""}, make("GET", "/u"), test::patience);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "GET /u ");
}

TEST(http_client, an_error_status_is_a_response_and_redirects_are_not_followed) {
  const auto s = start([](const request& r) {
    response out;
    out.status = r.path == "/moved" ? 302 : 404;
    out.headers["Location"] = "/elsewhere";
    return out;
  });
  EXPECT_EQ(send(to(*s), make("GET", "/moved"), test::patience)->status, 302);
  EXPECT_EQ(send(to(*s), make("GET", "/missing"), test::patience)->status, 404);
}

TEST(http_client, nobody_there_is_said_with_what_to_do) {
  std::string address;
  {
    const auto gone = listener::open("127.0.0.1:0");
    address = gone->address();
  }
  const auto answer = send({"http://" + address, ""}, make("GET", "/"), test::patience);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ec::http_unreachable);
  EXPECT_EQ(
      answer.error().message,
      "no Millrace node answers at http://" + address +
          ": connection refused; start one with `millrace node --config FILE` or give --endpoint");
  const auto socket = send({"unix:/nonexistent/api.sock", ""}, make("GET", "/"), test::patience);
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, ec::http_unreachable);
}

TEST(http_client, a_server_that_does_not_answer_is_a_timeout) {
  const auto silent = listener::open("127.0.0.1:0");
  ASSERT_TRUE(silent);
  const auto answer =
      send({"http://" + silent->address(), ""}, make("GET", "/"), std::chrono::milliseconds{200});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ec::timeout);
  EXPECT_THAT(answer.error().message, HasSubstr(silent->address()));
}

TEST(http_client, an_answer_over_the_limit_is_refused) {
  const auto s = start([](const request&) {
    response out;
    out.body.assign(2000, 'x');
    return out;
  });
  EXPECT_TRUE(send(to(*s), make("GET", "/"), test::patience, byte_size{2000}));
  const auto answer = send(to(*s), make("GET", "/"), test::patience, byte_size{1999});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ec::limit_exceeded);
}

TEST(http_client, an_endpoint_that_is_none_is_said_so) {
  for (const auto* url : {"ftp://127.0.0.1/", "http://", "htp:/x", "file:///etc/passwd"}) {
    const auto answer = send({url, ""}, make("GET", "/"), test::patience);
    ASSERT_FALSE(answer) << url;
    EXPECT_EQ(answer.error().code, ec::invalid_argument) << url << ": " << answer.error().message;
  }
}

TEST(http_client, a_proxy_of_the_environment_is_not_used) {
  const auto s = start(echo);
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  const auto answer = send(to(*s), make("GET", "/direct"), test::patience);
  unsetenv("http_proxy");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "GET /direct ");
}

TEST(http_client_streaming, an_error_body_is_in_the_response_and_not_handed_on) {
  const auto s = start([](const request&) { return error_response({ec::unknown_dataset, "no"}); });
  int pieces = 0;
  const auto answer = send_streaming(
      to(*s), make("GET", "/"),
      [&](std::string_view) {
        ++pieces;
        return true;
      },
      test::patience);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 404);
  EXPECT_THAT(answer->body, HasSubstr("unknown_dataset"));
  EXPECT_EQ(pieces, 0);
}

TEST(http_client_streaming, the_receiver_may_end_it) {
  const auto s = start([](const request&) {
    response out;
    out.stream = [](std::string& chunk) {
      chunk = "x";
      return true;
    };
    return out;
  });
  const auto answer = send_streaming(
      to(*s), make("GET", "/"), [](std::string_view) { return false; }, test::patience);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ec::cancelled);
}

TEST(http_client_streaming, silence_is_a_timeout) {
  const auto s = start([](const request&) {
    response out;
    out.stream = [first = true](std::string& chunk) mutable {
      if (std::exchange(first, false)) chunk = "x";
      return true;
    };
    return out;
  });
  const auto answer = send_streaming(
      to(*s), make("GET", "/"), [](std::string_view) { return true; }, std::chrono::seconds{1});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ec::timeout);
}

}  // namespace
}  // namespace millrace::http
