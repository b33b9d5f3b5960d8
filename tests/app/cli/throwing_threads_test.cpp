// The threads of commands: what an exception in each does, and who is told.
#include <atomic>
#include <fstream>
#include <future>
#include <new>
#include <thread>

#include <gmock/gmock.h>

#include "app/cli/picture_collector.hpp"
#include "app/cli/signals.hpp"
#include "app/cli/upload.hpp"
#include "runtime/http/json.hpp"
#include "runtime/http/server.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/throwing_job.hpp"

namespace millrace::cli {
namespace {

using testing::HasSubstr;

/// Only a hang reaches it.
constexpr auto patience = std::chrono::minutes{1};

TEST(a_throwing_thread, of_top_is_shown_and_takes_the_next_picture) {
  std::atomic<int> taken{0};
  std::promise<void> problem_was_seen;
  auto seen = problem_was_seen.get_future().share();
  picture_collector collected{[&, seen](const std::stop_token&) -> result<taken_picture> {
                                if (++taken == 2) throw std::bad_alloc{};
                                if (taken == 3) seen.wait_for(patience);
                                taken_picture picture;
                                picture.picture.cluster = taken == 1 ? "first" : "next";
                                return picture;
                              },
                              std::chrono::milliseconds{4}};
  const auto shows = [&](const std::string& cluster, const std::string& problem) {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
      const auto shown = collected.current();
      if (shown.cluster == cluster && shown.problem.find(problem) != std::string::npos) return true;
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
  };
  EXPECT_TRUE(shows("first", "bad_alloc"));  // above the last picture
  problem_was_seen.set_value();
  EXPECT_TRUE(shows("next", ""));
  EXPECT_TRUE(collected.ends_within(patience));
}

/// A server that takes every file, as the API answers.
std::unique_ptr<http::server> server_that_takes_files() {
  auto server = http::server::start({.listen = "127.0.0.1:0"}, [](const http::request& r) {
    json::writer body;
    body.begin_object().field("uri", "upload://a" + r.path).end_object();
    http::response answer;
    answer.body = body.take();
    return answer;
  });
  EXPECT_TRUE(server);
  return std::move(*server);
}

TEST(a_throwing_thread, of_an_upload_is_the_commands_error) {
  block_stop_signals();
  const temporary_directory folder;
  for (const auto* name : {"a", "b", "c", "d", "e", "f"})
    std::ofstream{folder.path() / name} << "text of " << name;
  const auto server = server_that_takes_files();
  global_options global;
  global.endpoint = "http://" + server->address();
  const auto api = client::open(global);
  ASSERT_TRUE(api) << api.error().message;
  submit_options options;
  options.dataset = "d";
  const auto upload = [&] { return upload_files(**api, options, {folder.path()}, true); };
  const auto all = upload();
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->uris.size(), 6U);
  // The first file goes alone; then four threads take the others.
  for (const int nth : {1, 2, 5}) {
    SCOPED_TRACE(nth);
    const throwing_job thrower{"upload", nth};
    const auto sent = upload();
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, ec::internal);
    EXPECT_THAT(sent.error().message, HasSubstr("bad_alloc"));
  }
  EXPECT_TRUE(upload());
}

}  // namespace
}  // namespace millrace::cli
