// Bodies that go to files: when they are taken, where they end, and what becomes of what is broken.
#include <atomic>
#include <fstream>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/http/client.hpp"
#include "runtime/http/router.hpp"
#include "runtime/http/server.hpp"
#include "tests/runtime/http/support.hpp"

namespace millrace::http {
namespace {

using test::echo;
using test::raw_client;
using test::start;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Text that is nowhere like its neighbourhood, so that a lost or doubled piece shows.
std::string long_text(std::size_t size) {
  std::string text;
  for (std::uint64_t i = 0; text.size() < size; ++i) text += std::to_string(i * 7919) + " ";
  text.resize(size);
  return text;
}

class server_upload : public ::testing::Test {
 protected:
  /// A server that receives below /files/ and keeps what came in `received`.
  std::unique_ptr<server> serve(server_config config = {}) {
    std::filesystem::create_directories(incoming());
    config.open_body =
        [this](const request& head) -> tl::expected<std::shared_ptr<received_file>, response> {
      if (!head.path.starts_with("/files/")) return nullptr;
      if (head.path == "/files/refused")
        return tl::unexpected(error_response({ec::dataset_conflict, "not here"}));
      auto file = received_file::create(incoming(), {limit});
      if (!file) return tl::unexpected(error_response(file.error()));
      return *file;
    };
    return start(
        [this](const request& r) {
          if (!r.file) return echo(r);
          if (r.path == "/files/dropped") return echo(r);
          const auto kept = r.file->move_to(folder.file("received"));
          return kept ? echo(r) : error_response(kept.error());
        },
        std::move(config));
  }
  std::string incoming() const { return folder.file("incoming"); }
  bool nothing_is_left() const {
    const auto deadline = std::chrono::steady_clock::now() + test::patience;
    while (!std::filesystem::is_empty(incoming()) && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    return std::filesystem::is_empty(incoming());
  }
  std::string received() const { return content_of(folder.file("received")); }

  test::scratch_folder folder;
  byte_size limit = 4_MiB;
};

TEST_F(server_upload, a_body_of_many_pieces_arrives_whole) {
  server_config config;
  config.max_body = 1_KiB;
  const auto s = serve(config);
  const auto text = long_text(3 * upload_piece.bytes + 17);
  raw_client c(s->address());
  ASSERT_TRUE(c.send("PUT /files/a HTTP/1.1\r\nHost: t\r\nContent-Length: " +
                     std::to_string(text.size()) + "\r\n\r\n" + text));
  EXPECT_THAT(c.read_response(), EndsWith("PUT /files/a ")) << "and no body in memory";
  EXPECT_EQ(received(), text);
  ASSERT_TRUE(c.send(test::get("/next"))) << "the connection goes on";
  EXPECT_THAT(c.read_response(), EndsWith("GET /next "));
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(server_upload, exactly_one_piece_and_nothing_at_all_arrive_too) {
  const auto s = serve();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, upload_piece.bytes}) {
    const auto text = long_text(size);
    raw_client c(s->address());
    ASSERT_TRUE(c.send("PUT /files/a HTTP/1.1\r\nHost: t\r\nContent-Length: " +
                       std::to_string(size) + "\r\n\r\n" + text));
    EXPECT_THAT(c.read_response(), EndsWith("PUT /files/a ")) << size;
    EXPECT_EQ(received(), text) << size;
  }
}

TEST_F(server_upload, a_chunked_body_arrives) {
  const auto s = serve();
  raw_client c(s->address());
  ASSERT_TRUE(c.send("PUT /files/a HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"));
  std::string text;
  for (int i = 0; i < 300; ++i) {
    const auto piece = long_text(4096 + i);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    ASSERT_TRUE(c.send(size + piece + "\r\n"));
    text += piece;
  }
  ASSERT_TRUE(c.send("0\r\n\r\n"));
  EXPECT_THAT(c.read_response(), EndsWith("PUT /files/a "));
  EXPECT_EQ(received(), text);
}

TEST_F(server_upload, a_client_that_waits_for_it_is_told_to_go_on) {
  const auto s = serve();
  raw_client c(s->address());
  ASSERT_TRUE(
      c.send("PUT /files/a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n"
             "Expect: 100-continue\r\n\r\n"));
  ASSERT_TRUE(c.read_until("HTTP/1.1 100 Continue\r\n\r\n"));
  ASSERT_TRUE(c.send("hello"));
  ASSERT_TRUE(c.read_until("PUT /files/a "));
  EXPECT_EQ(received(), "hello");
}

TEST_F(server_upload, what_is_refused_is_refused_before_its_body) {
  const auto s = serve();
  for (const auto* expect : {"", "Expect: 100-continue\r\n"}) {
    raw_client c(s->address());
    ASSERT_TRUE(c.send("PUT /files/refused HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n" +
                       std::string{expect} + "\r\n"));
    const auto answer = c.read_to_end();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 409 ")) << "no 100 before it";
    EXPECT_THAT(answer, HasSubstr("not here"));
  }
}

TEST_F(server_upload, a_body_over_the_limit_is_413_announced_or_not) {
  const auto s = serve();
  raw_client announced(s->address());
  ASSERT_TRUE(announced.send("PUT /files/a HTTP/1.1\r\nHost: t\r\nContent-Length: " +
                             std::to_string(limit.bytes + 1) + "\r\n\r\n"));
  EXPECT_THAT(announced.read_to_end(), StartsWith("HTTP/1.1 413 "));
  raw_client chunked(s->address());
  chunked.send("PUT /files/a HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 65; ++i) chunked.send("10000\r\n" + std::string(65536, 'x') + "\r\n");
  chunked.end_sending();
  EXPECT_THAT(chunked.read_to_end(), StartsWith("HTTP/1.1 413 "));
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(server_upload, a_client_that_goes_away_leaves_no_file) {
  const auto s = serve();
  {
    raw_client c(s->address());
    ASSERT_TRUE(c.send("PUT /files/a HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\n" +
                       long_text(upload_piece.bytes + 1)));
    const auto deadline = std::chrono::steady_clock::now() + test::patience;
    while (std::filesystem::is_empty(incoming()) && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
  }
  EXPECT_TRUE(nothing_is_left());
  EXPECT_FALSE(std::filesystem::exists(folder.file("received")));
}

TEST_F(server_upload, a_client_that_stops_sending_is_cut_off) {
  server_config config;
  config.read_timeout = std::chrono::milliseconds{200};
  const auto s = serve(config);
  raw_client c(s->address());
  ASSERT_TRUE(c.send("PUT /files/a HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nabc"));
  EXPECT_EQ(c.read_to_end(), "");
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(server_upload, what_the_handler_does_not_take_is_removed) {
  const auto s = serve();
  raw_client c(s->address());
  ASSERT_TRUE(c.send("PUT /files/dropped HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello"));
  EXPECT_THAT(c.read_response(), EndsWith("PUT /files/dropped "));
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(server_upload, other_routes_keep_their_bodies_in_memory_and_their_limit) {
  server_config config;
  config.max_body = 1_KiB;
  const auto s = serve(config);
  raw_client c(s->address());
  ASSERT_TRUE(c.send("PUT /other HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello"));
  EXPECT_THAT(c.read_response(), EndsWith("PUT /other hello"));
  ASSERT_TRUE(c.send("PUT /other HTTP/1.1\r\nHost: t\r\nContent-Length: 1025\r\n\r\n"));
  EXPECT_THAT(c.read_to_end(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(server_upload, uploads_over_their_number_are_503_and_others_are_served) {
  server_config config;
  config.max_uploads = 1;
  const auto s = serve(config);
  raw_client first(s->address());
  ASSERT_TRUE(
      first.send("PUT /files/a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n"
                 "Expect: 100-continue\r\n\r\n"));
  ASSERT_TRUE(first.read_until("100 Continue\r\n\r\n"));
  raw_client second(s->address());
  ASSERT_TRUE(second.send("PUT /files/b HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"));
  const auto refusal = second.read_to_end();
  EXPECT_THAT(refusal, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refusal, HasSubstr("Retry-After: "));
  raw_client other(s->address());
  ASSERT_TRUE(other.send(test::get("/fine")));
  EXPECT_THAT(other.read_response(), EndsWith("GET /fine "));
  ASSERT_TRUE(first.send("hello"));
  ASSERT_TRUE(first.read_until("PUT /files/a "));
  raw_client third(s->address());
  ASSERT_TRUE(third.send("PUT /files/c HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nagain"));
  EXPECT_THAT(third.read_response(), EndsWith("PUT /files/c "));
}

TEST_F(server_upload, uploads_that_take_long_leave_the_workers_to_others) {
  std::filesystem::create_directories(incoming());
  server_config config;
  config.workers = 1;
  config.open_body =
      [this](const request&) -> tl::expected<std::shared_ptr<received_file>, response> {
    return *received_file::create(incoming(), {limit});
  };
  test::gate slow;
  const auto s = start(
      [&](const request& r) {
        if (r.file) slow.pass();
        return echo(r);
      },
      config);
  std::vector<std::unique_ptr<raw_client>> clients;
  for (int i = 0; i <= upload_workers; ++i) {
    clients.push_back(std::make_unique<raw_client>(s->address()));
    ASSERT_TRUE(
        clients.back()->send("PUT /files/a HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\nx"));
  }
  EXPECT_TRUE(slow.wait_for(upload_workers));
  raw_client other(s->address());
  ASSERT_TRUE(other.send(test::get("/livez")));
  EXPECT_THAT(other.read_response(), EndsWith("GET /livez "));
  slow.open();
  for (const auto& c : clients) EXPECT_THAT(c->read_response(), EndsWith("PUT /files/a "));
}

TEST_F(server_upload, a_door_that_takes_long_leaves_the_workers_to_others) {
  server_config config;
  config.workers = 1;
  test::gate slow;
  config.open_body = [&](const request&) -> tl::expected<std::shared_ptr<received_file>, response> {
    slow.pass();
    return tl::unexpected(error_response({ec::dataset_conflict, "not here"}));
  };
  const auto s = start(echo, config);
  raw_client asking(s->address());
  ASSERT_TRUE(asking.send("PUT /files/a HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\nx"));
  EXPECT_TRUE(slow.wait_for(1));
  raw_client other(s->address());
  ASSERT_TRUE(other.send(test::get("/livez")));
  EXPECT_THAT(other.read_response(), EndsWith("GET /livez "));
  slow.open();
  EXPECT_THAT(asking.read_to_end(), StartsWith("HTTP/1.1 409 "));
}

TEST_F(server_upload, a_disk_that_is_full_is_507) {
  std::filesystem::create_directories(incoming());
  server_config config;
  config.open_body =
      [this](const request&) -> tl::expected<std::shared_ptr<received_file>, response> {
    auto file = received_file::create(incoming(), {limit, byte_size{UINT64_MAX}});
    if (!file) return tl::unexpected(error_response(file.error()));
    return *file;
  };
  const auto s = start(echo, config);
  raw_client c(s->address());
  ASSERT_TRUE(c.send("PUT /files/a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"));
  const auto answer = c.read_to_end();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 507 "));
  EXPECT_THAT(answer, HasSubstr("disk_full"));
}

TEST_F(server_upload, the_token_is_checked_before_the_body) {
  std::filesystem::create_directories(incoming());
  router routes;
  int opened = 0;
  routes.add("PUT /files/{name...}", echo,
             [&](const request& head) -> tl::expected<std::shared_ptr<received_file>, response> {
               ++opened;
               EXPECT_EQ(head.params.at("name"), "a/b c");
               return nullptr;
             });
  server_config config;
  config.open_body =
      require_bearer("secret", [&](const request& head) { return routes.open_body(head); });
  const auto s = start(require_bearer("secret", {}, routes), config);
  raw_client stranger(s->address());
  ASSERT_TRUE(
      stranger.send("PUT /files/a/b%20c HTTP/1.1\r\nHost: t\r\nContent-Length: 9999\r\n"
                    "Expect: 100-continue\r\n\r\n"));
  const auto refusal = stranger.read_to_end();
  EXPECT_THAT(refusal, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(refusal, HasSubstr("WWW-Authenticate: "));
  EXPECT_EQ(opened, 0);
  raw_client friendly(s->address());
  ASSERT_TRUE(
      friendly.send("PUT /files/a/b%20c HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n"
                    "Authorization: Bearer secret\r\n\r\nhi"));
  EXPECT_THAT(friendly.read_response(), EndsWith("PUT /files/a/b c hi"));
  EXPECT_EQ(opened, 1);
}

TEST_F(server_upload, a_server_that_stops_removes_what_is_half_received) {
  server_config config;
  config.stop_timeout = std::chrono::milliseconds{0};
  auto s = serve(config);
  raw_client c(s->address());
  ASSERT_TRUE(c.send("PUT /files/a HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\nabc"));
  const auto deadline = std::chrono::steady_clock::now() + test::patience;
  while (std::filesystem::is_empty(incoming()) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  s.reset();
  EXPECT_TRUE(std::filesystem::is_empty(incoming()));
}

TEST_F(server_upload, the_client_stops_a_transfer_that_nobody_answers) {
  std::filesystem::create_directories(incoming());
  test::gate silent;
  const auto s = start([&](const request& r) {
    silent.pass();
    return echo(r);
  });
  const auto file = folder.file("original");
  std::ofstream{file} << "text";
  request r;
  r.method = "PUT";
  r.path = "/files/a";
  std::atomic<bool> stop{false};
  auto sent = std::async(std::launch::async, [&] {
    return send_file({"http://" + s->address(), ""}, r, file, test::patience, &stop);
  });
  EXPECT_TRUE(silent.wait_for(1));
  stop = true;
  const auto stopped = sent.get();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ec::cancelled);
  silent.open();
  EXPECT_EQ(send_file({"http://" + s->address(), ""}, r, file, test::patience, &stop).error().code,
            ec::cancelled)
      << "nor is another begun";
}

TEST_F(server_upload, the_client_sends_a_file_as_it_reads_it) {
  const auto s = serve();
  const auto text = long_text(2'000'000);
  const auto file = folder.file("original");
  std::ofstream{file, std::ios::binary} << text;
  request r;
  r.method = "PUT";
  r.path = "/files/a";
  const endpoint to{"http://" + s->address(), ""};
  const auto answered = send_file(to, r, file, test::patience);
  ASSERT_TRUE(answered) << answered.error().message;
  EXPECT_EQ(answered->status, 200) << answered->body;
  EXPECT_EQ(received(), text);
  r.path = "/files/refused";
  const auto refused = send_file(to, r, file, test::patience);
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_EQ(refused->status, 409) << "seen although the body was not taken";
  EXPECT_EQ(send_file(to, r, folder.file("missing"), test::patience).error().code,
            ec::source_unreadable);
  EXPECT_EQ(send_file(to, r, incoming(), test::patience).error().code, ec::source_unreadable);
}

}  // namespace
}  // namespace millrace::http
