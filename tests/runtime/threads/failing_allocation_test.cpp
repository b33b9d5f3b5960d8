// Threads that count what they hold: whichever of their allocations fails, whoever waits is
// answered, the counts are right afterwards, and the next job is done.
#include "tests/runtime/threads/failing_allocation.hpp"

#include <fstream>
#include <functional>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "runtime/embedding/provider.hpp"
#include "runtime/extraction/extractor_pool.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

/// Only a hang reaches it.
constexpr auto patience = std::chrono::minutes{1};
/// All of the first allocations are tried, then every so many.
constexpr int tried_one_by_one = 100;
constexpr int stride = 13;
/// Within which the allocation is to fail.
constexpr int extractions = 4;

int after(int nth) {
  return nth < tried_one_by_one ? nth + 1 : nth + stride;
}

/// What `ask` calls its callback with.
template <class Value>
std::optional<Value> answer_to(const std::function<void(std::function<void(Value)>)>& ask) {
  auto promise = std::make_shared<std::promise<Value>>();
  auto answered = promise->get_future();
  ask([promise](Value v) { promise->set_value(std::move(v)); });
  if (answered.wait_for(patience) != std::future_status::ready) return std::nullopt;
  return answered.get();
}

TEST(a_failing_allocation, of_the_extractor_pool_leaves_its_counts_right) {
  const temporary_directory folder;
  std::vector<std::string> paths;
  for (const auto* name : {"a.txt", "b.txt", "c.txt"}) {
    paths.push_back((folder.path() / name).string());
    std::ofstream{paths.back()} << "The mill turns.";
  }
  extractor_pool_config config;
  config.executable = REAL_EXTRACTOR;
  config.settings.processes = 1;
  extractor_pool pool{config};
  const auto progress = std::make_shared<extraction_progress>();
  using outcome = result<extracted_document>;
  /// All at once, so that several are in a frame; how many were read.
  const auto extract = [&] {
    std::vector<std::future<outcome>> all;
    for (const auto& path : paths) {
      auto promise = std::make_shared<std::promise<outcome>>();
      all.push_back(promise->get_future());
      extraction_request request;
      request.path = path;
      request.progress = progress;
      pool.extract(std::move(request), [promise](outcome o) { promise->set_value(std::move(o)); });
    }
    std::size_t read = 0;
    for (auto& answer : all)
      if (answer.wait_for(patience) == std::future_status::ready)
        read += answer.get().has_value();
      else
        ADD_FAILURE() << "nobody was answered";
    return read;
  };
  ASSERT_EQ(extract(), paths.size());
  const auto& stats = pool.stats();
  for (int nth = 1;; nth = after(nth)) {
    SCOPED_TRACE("allocation " + std::to_string(nth));
    bool failed = false;
    {
      const failing_allocation failing{"extraction", nth};
      // The first one's step may have begun before.
      for (int i = 0; i < extractions; ++i) extract();
      failed = failing.failed();
    }
    EXPECT_EQ(extract(), paths.size());
    EXPECT_TRUE(eventually([&] { return stats.idle == 1 && stats.busy == 0; }))
        << stats.idle << " idle, " << stats.busy << " busy";
    EXPECT_EQ(progress->running, 0);
    EXPECT_EQ(stats.waiting, 0);
    if (!failed || ::testing::Test::HasFailure()) break;
  }
}

TEST(a_failing_allocation, of_the_embedding_keeps_no_request_in_flight) {
  embedder_settings s;
  s.provider = "openai";
  s.base_url = "http://127.0.0.1:1/v1";  // nobody answers there
  s.api_key_env = "";
  s.max_attempts = 1;
  s.concurrency = 1;  // one that is taken to be in flight for ever would be the last
  s.backoff_min = s.backoff_max = std::chrono::milliseconds{1};
  const auto made = make_embedding_provider(s, nullptr);
  ASSERT_TRUE(made) << made.error().message;
  const auto embed = [&] {
    return answer_to<result<embedding_results>>([&](auto done) {
      (*made)->embed({"text", "more text"}, std::move(done));
    });
  };
  for (int nth = 1;; nth = after(nth)) {
    SCOPED_TRACE("allocation " + std::to_string(nth));
    bool failed = false;
    {
      const failing_allocation failing{"embedding", nth};
      EXPECT_TRUE(embed());
      EXPECT_TRUE(embed());
      failed = failing.failed();
    }
    const auto next = embed();
    ASSERT_TRUE(next) << "nobody was answered";
    ASSERT_FALSE(*next);
    EXPECT_EQ(next->error().code, ec::embedding_unavailable) << next->error().message;
    if (!failed) break;
  }
}

}  // namespace
}  // namespace millrace
