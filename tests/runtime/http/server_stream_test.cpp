#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/http/client.hpp"
#include "runtime/http/server.hpp"
#include "tests/runtime/http/support.hpp"

namespace millrace::http {
namespace {

using test::get;
using test::raw_client;
using test::start;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

response streaming(body_stream stream) {
  response out;
  out.content_type = "application/x-ndjson";
  out.stream = std::move(stream);
  return out;
}

/// "0\n1\n...": `count` lines, one a piece.
handler lines(int count) {
  return [count](const request&) {
    return streaming([count, next = 0](std::string& chunk) mutable {
      chunk = std::to_string(next) + "\n";
      return ++next < count;
    });
  };
}

request get_request() {
  request r;
  r.method = "GET";
  r.path = "/";
  return r;
}

template <class Done>
bool eventually(Done done) {
  const auto deadline = std::chrono::steady_clock::now() + test::patience;
  while (!done() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  return done();
}

TEST(server_stream, pieces_arrive_as_chunks_and_the_connection_lives_on) {
  const auto s = start(lines(3));
  raw_client c(s->address());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(c.send(get("/")));
    EXPECT_TRUE(c.read_until("2\r\n0\n\r\n2\r\n1\n\r\n2\r\n2\n\r\n0\r\n\r\n"));
  }
  c.end_sending();
  EXPECT_THAT(c.read_to_end(), HasSubstr("Transfer-Encoding: chunked\r\n"));
}

TEST(server_stream, the_client_gets_every_byte) {
  constexpr int count = 20'000;
  const auto s = start(lines(count));
  std::string received;
  const auto answer = send_streaming(
      {"http://" + s->address(), ""}, get_request(),
      [&](std::string_view chunk) {
        received += chunk;
        return true;
      },
      test::patience);
  ASSERT_TRUE(answer) << answer.error().message;
  std::string expected;
  for (int i = 0; i < count; ++i) expected += std::to_string(i) + "\n";
  EXPECT_EQ(received, expected);
  EXPECT_EQ(answer->content_type, "application/x-ndjson");
}

TEST(server_stream, http_1_0_gets_the_plain_bytes_until_the_end) {
  const auto s = start(lines(3));
  raw_client c(s->address());
  ASSERT_TRUE(c.send("GET / HTTP/1.0\r\n\r\n"));
  const auto answer = c.read_to_end();
  EXPECT_THAT(answer, EndsWith("\r\n\r\n0\n1\n2\n"));
  EXPECT_THAT(answer, Not(HasSubstr("chunked")));
}

TEST(server_stream, head_does_not_run_the_stream) {
  std::atomic<int> pulls = 0;
  const auto s = start([&](const request&) {
    return streaming([&](std::string& chunk) {
      ++pulls;
      chunk = "x";
      return false;
    });
  });
  raw_client c(s->address());
  ASSERT_TRUE(c.send("HEAD / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
  EXPECT_THAT(c.read_to_end(), EndsWith("\r\n\r\n"));
  EXPECT_EQ(pulls, 0);
}

TEST(server_stream, nothing_yet_is_asked_again_and_holds_no_worker) {
  server_config config;
  config.workers = 1;
  std::atomic<bool> ready = false;
  const auto s = start(
      [&](const request& r) {
        if (r.path != "/events") return test::echo(r);
        return streaming([&](std::string& chunk) {
          if (!ready) return true;
          chunk = "event";
          return false;
        });
      },
      config);
  raw_client watcher(s->address());
  ASSERT_TRUE(watcher.send(get("/events", "Connection: close\r\n")));
  ASSERT_TRUE(watcher.read_until("\r\n\r\n"));
  raw_client other(s->address());
  ASSERT_TRUE(other.send(get("/other")));
  EXPECT_THAT(other.read_response(), EndsWith("GET /other "));
  ready = true;
  EXPECT_THAT(watcher.read_to_end(), EndsWith("5\r\nevent\r\n0\r\n\r\n"));
}

TEST(server_stream, an_exception_breaks_the_body_off_visibly) {
  const auto s = start([](const request&) {
    return streaming([first = true](std::string& chunk) mutable {
      if (!std::exchange(first, false)) throw std::runtime_error("the cursor is gone");
      chunk = "part";
      return true;
    });
  });
  std::string received;
  const auto answer = send_streaming(
      {"http://" + s->address(), ""}, get_request(),
      [&](std::string_view chunk) {
        received += chunk;
        return true;
      },
      test::patience);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ec::http_unreachable);
  EXPECT_THAT(answer.error().message, HasSubstr("broke off"));
  EXPECT_EQ(received, "part");
}

TEST(server_stream, a_slow_reader_slows_the_stream_down) {
  constexpr std::size_t piece = 100'000;
  std::atomic<std::size_t> produced = 0;
  const auto s = start([&](const request&) {
    return streaming([&](std::string& chunk) {
      chunk.assign(piece, 'x');
      produced += piece;
      return true;
    });
  });
  raw_client c(s->address());
  ASSERT_TRUE(c.send(get("/")));
  ASSERT_TRUE(c.read_until("\r\n\r\n"));
  // Without back-pressure it would pass this soon; with it the kernel's buffers are all that fills.
  std::size_t before = 0;
  for (int same = 0; same < 5;) {
    const auto now = produced.load();
    same = now == before ? same + 1 : 0;
    before = now;
    ASSERT_LT(now, 100'000'000U);
    std::this_thread::sleep_for(std::chrono::milliseconds{20});  // Pace of the observation.
  }
}

TEST(server_stream, what_a_stream_owns_is_released_when_the_client_goes) {
  const auto owned = std::make_shared<int>(1);
  std::atomic<int> pulls = 0;
  const auto s = start([&, weak = std::weak_ptr(owned)](const request&) {
    return streaming([&, held = weak.lock()](std::string&) {
      ++pulls;
      return true;
    });
  });
  {
    raw_client c(s->address());
    ASSERT_TRUE(c.send(get("/")));
    ASSERT_TRUE(c.read_until("\r\n\r\n"));
    ASSERT_TRUE(eventually([&] { return pulls > 0; }));
    EXPECT_GT(owned.use_count(), 1);
  }
  EXPECT_TRUE(eventually([&] { return owned.use_count() == 1; }));
}

TEST(server_stream, an_idle_stream_is_ended_by_stop_and_by_the_idle_time_out) {
  const auto nothing = [](const request&) { return streaming([](std::string&) { return true; }); };
  server_config patient;
  patient.stop_timeout = test::patience;
  const auto stopped = start(nothing, patient);
  raw_client c(stopped->address());
  ASSERT_TRUE(c.send(get("/")));
  ASSERT_TRUE(c.read_until("\r\n\r\n"));
  stopped->stop();
  EXPECT_THAT(c.read_to_end(), EndsWith("0\r\n\r\n"));

  server_config hasty;
  hasty.idle_timeout = std::chrono::milliseconds{200};
  const auto idle = start(nothing, hasty);
  raw_client d(idle->address());
  ASSERT_TRUE(d.send(get("/")));
  EXPECT_THAT(d.read_to_end(), Not(EndsWith("0\r\n\r\n")));
}

TEST(server_stream, stop_is_bounded_while_an_endless_stream_runs) {
  server_config config;
  config.stop_timeout = std::chrono::milliseconds{100};
  const auto s = start(
      [](const request&) {
        return streaming([](std::string& chunk) {
          chunk = "x";
          return true;
        });
      },
      config);
  raw_client c(s->address());
  ASSERT_TRUE(c.send(get("/")));
  ASSERT_TRUE(c.read_until("1\r\nx\r\n"));
  std::jthread reading([&] { c.read_to_end(); });
  s->stop();
}

}  // namespace
}  // namespace millrace::http
