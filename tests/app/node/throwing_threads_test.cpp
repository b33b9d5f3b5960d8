// The threads of a node: what an exception in each does, and who is told.
#include <atomic>
#include <csignal>
#include <stdexcept>

#include <gmock/gmock.h>

#include "app/node/database_watch.hpp"
#include "app/node/node_drain.hpp"
#include "app/node/node_failure.hpp"
#include "runtime/database/embedded/data_directory.hpp"
#include "runtime/database/embedded/postmaster.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/throwing_job.hpp"

namespace millrace {
namespace {

using testing::HasSubstr;

TEST(a_throwing_thread, of_the_database_watch_still_starts_the_database_again) {
  const temporary_directory folder;
  const auto server =
      embedded_server::open({.directory = folder.path() / "data", .create = true, .fsync = false});
  ASSERT_TRUE(server) << server.error().message;
  const auto directory = postgres::prepare_data_directory(folder.path() / "data", false);
  ASSERT_TRUE(directory) << directory.error().message;
  const auto postmaster = [&] {
    return postgres::find_postmaster(*directory).value_or(std::nullopt);
  };
  const node_failure failure;
  const throwing_job look{"database watch"};
  const database_watch watch{**server, [](const std::string&) { FAIL(); }};
  ASSERT_TRUE(eventually([&] { return look.begun() >= 2; }));
  const auto killed = postmaster();
  ASSERT_TRUE(killed);
  ::kill(*killed, SIGKILL);
  EXPECT_TRUE(eventually([&] {
    const auto now = postmaster();
    return now && *now != *killed;
  }));
  EXPECT_EQ(failure.reason(), std::nullopt);  // the node works on
}

TEST(a_throwing_thread, of_the_drain_ends_the_node) {
  const node_failure failure;
  node_drain drain{"a",
                   {.progress = [] { return drain_progress{}; },
                    .claim_no_more = []() -> result<drain_progress> {
                      throw std::runtime_error{"the puller is broken"};
                    },
                    .give_back = [] {}}};
  drain.begin(std::chrono::seconds{1});
  drain.close();
  const auto reason = failure.reason();
  ASSERT_TRUE(reason);
  EXPECT_THAT(*reason, HasSubstr("`drain`"));
  EXPECT_THAT(*reason, HasSubstr("the puller is broken"));
}

}  // namespace
}  // namespace millrace
