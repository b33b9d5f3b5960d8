#include "runtime/http/worker_pool.hpp"

#include <atomic>
#include <future>

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

TEST(worker_pool, refuses_what_is_over_its_limit_but_takes_what_continues) {
  std::atomic<int> done = 0;
  std::promise<void> release;
  std::promise<void> started;
  const auto released = release.get_future().share();
  worker_pool pool(1, 2);
  ASSERT_TRUE(pool.try_submit([&] {
    started.set_value();
    released.wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(pool.try_submit([&] { ++done; }));
  EXPECT_TRUE(pool.try_submit([&] { ++done; }));
  EXPECT_FALSE(pool.try_submit([&] { ++done; }));
  std::promise<void> last;
  pool.submit([&] {
    ++done;
    last.set_value();
  });
  release.set_value();
  last.get_future().wait();
  EXPECT_EQ(done, 3);
}

TEST(worker_pool, close_drops_what_waits_and_the_destructor_waits_for_what_runs) {
  std::atomic<bool> ended = false;
  std::atomic<bool> dropped_ran = false;
  {
    std::promise<void> started;
    std::promise<void> release;
    worker_pool pool(1, 2);
    pool.submit([&] {
      started.set_value();
      release.get_future().wait();
      ended = true;
    });
    started.get_future().wait();
    pool.submit([&] { dropped_ran = true; });
    pool.close();
    EXPECT_FALSE(pool.try_submit([] {}));
    release.set_value();
  }
  EXPECT_TRUE(ended);
  EXPECT_FALSE(dropped_ran);
}

}  // namespace
}  // namespace millrace::http
