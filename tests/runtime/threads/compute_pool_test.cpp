#include "runtime/threads/compute_pool.hpp"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/embedding/hashing_provider.hpp"

namespace millrace {
namespace {

/// Holds the threads of a pool until it is opened.
class gate {
 public:
  void pass() {
    std::unique_lock lock{mutex_};
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_until_inside(int count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return inside_ >= count; });
  }
  void open() {
    const std::lock_guard lock{mutex_};
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  bool open_ = false;
};

TEST(compute_pool, refuses_what_is_over_its_limits_and_leaves_it_untouched) {
  gate held;
  std::atomic<int> done{0};
  {
    compute_pool pool{1};
    pool.run(1, [&] { held.pass(); });
    held.wait_until_inside(1);
    compute_pool::job job = [&] { ++done; };
    for (std::size_t i = 0; i < compute_pool::max_waiting; ++i) {
      auto next = job;
      ASSERT_TRUE(pool.try_run(1, next));
    }
    EXPECT_FALSE(pool.try_run(1, job));
    EXPECT_TRUE(job) << "untouched";
    std::promise<void> last;
    pool.run(1, [&] { last.set_value(); });  // for callers that bound themselves
    held.open();
    last.get_future().wait();
  }
  EXPECT_EQ(done, static_cast<int>(compute_pool::max_waiting));
}

TEST(compute_pool, bounds_the_bytes_that_wait_but_takes_one_job_of_any_size) {
  gate held;
  compute_pool pool{1};
  pool.run(1, [&] { held.pass(); });
  held.wait_until_inside(1);
  compute_pool::job large = [] {};
  EXPECT_TRUE(pool.try_run(2 * compute_pool::max_waiting_bytes, large));
  compute_pool::job small = [] {};
  EXPECT_FALSE(pool.try_run(1, small));
  held.open();
}

TEST(compute_pool, an_exception_is_the_answer_of_its_job_only) {
  compute_pool pool{1};
  std::promise<result<int>> first;
  std::promise<result<int>> second;
  pool.run(1, make_compute_job<int>([]() -> int { throw std::runtime_error{"too deep"}; },
                                    [&](result<int> r) { first.set_value(std::move(r)); }));
  pool.run(1, make_compute_job<int>([] { return 7; },
                                    [&](result<int> r) { second.set_value(std::move(r)); }));
  const auto failed = first.get_future().get();
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("too deep"), std::string::npos);
  EXPECT_EQ(second.get_future().get(), 7);
}

TEST(compute_pool, what_waits_when_it_ends_is_answered) {
  gate held;
  std::vector<result<int>> answers;
  {
    compute_pool pool{1};
    pool.run(1, [&] { held.pass(); });
    held.wait_until_inside(1);
    pool.run(1, make_compute_job<int>([] { return 7; },
                                      [&](result<int> r) { answers.push_back(std::move(r)); }));
    held.open();
  }
  ASSERT_EQ(answers.size(), 1U);  // done, or dropped with an error
}

TEST(compute_pool, hashes_large_batches_and_leaves_small_ones_with_their_caller) {
  const auto pool = std::make_shared<compute_pool>(1);
  hashing_provider provider{64, pool};
  const auto embed = [&](const std::string& text) {
    std::promise<std::pair<std::thread::id, result<embedding_results>>> answered;
    provider.embed({text}, [&](result<embedding_results> r) {
      answered.set_value({std::this_thread::get_id(), std::move(r)});
    });
    return answered.get_future().get();
  };
  std::string large;
  while (large.size() < large_work_bytes) large += "The mill turns with the water. ";
  EXPECT_EQ(embed("The mill.").first, std::this_thread::get_id());
  const auto [thread, answer] = embed(large);
  EXPECT_NE(thread, std::this_thread::get_id());
  std::vector<result<embedding_results>> in_place;
  hashing_provider{64}.embed({large}, [&](auto r) { in_place.push_back(std::move(r)); });
  EXPECT_EQ(answer.value().at(0).value(), in_place.at(0).value().at(0).value())
      << "the same, wherever it is computed";
}

}  // namespace
}  // namespace millrace
