#include "runtime/cluster/maintenance.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

/// Counts runs of a job; waits for them with a limit that only a failing test meets.
class counted_job {
 public:
  maintenance_job job(duration interval, result<void> outcome = {}) {
    return {"a test", interval, [this, outcome] {
              const std::lock_guard lock{mutex_};
              ++runs_;
              changed_.notify_all();
              return outcome;
            }};
  }
  bool ran(int times) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds{60}, [&] { return runs_ >= times; });
  }
  int runs() {
    const std::lock_guard lock{mutex_};
    return runs_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int runs_ = 0;
};

TEST(maintenance, jobs_run_again_and_again_while_the_node_leads_also_those_that_fail) {
  counted_job often, failing, seldom;
  maintenance m{{often.job(std::chrono::milliseconds{1}),
                 failing.job(std::chrono::milliseconds{1}, fail(ec::database_unavailable, "gone")),
                 seldom.job(std::chrono::hours{1})}};
  m.lead(true);
  EXPECT_TRUE(often.ran(3));
  EXPECT_TRUE(failing.ran(3));
  EXPECT_EQ(seldom.runs(), 1);
}

TEST(maintenance, nothing_runs_on_a_node_that_does_not_lead) {
  counted_job job;
  {
    maintenance m{{job.job(std::chrono::milliseconds{0})}};
    m.lead(false);
  }
  EXPECT_EQ(job.runs(), 0);
  counted_job none;
  {
    maintenance m{{}};
    m.lead(true);
  }
  EXPECT_EQ(none.runs(), 0);
}

}  // namespace
}  // namespace millrace
