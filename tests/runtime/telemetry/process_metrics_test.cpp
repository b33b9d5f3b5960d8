#include "runtime/telemetry/process_metrics.hpp"

#include <chrono>
#include <fstream>
#include <map>
#include <string>

#include <gtest/gtest.h>

namespace millrace {
namespace {

double value_of(const std::string& name) {
  for (const auto& family : process_metrics())
    if (family.name == name)
      return family.type == prometheus::MetricType::Counter ? family.metric[0].counter.value
                                                            : family.metric[0].gauge.value;
  ADD_FAILURE() << name << " is missing";
  return -1;
}

TEST(process_metrics, a_name_with_parentheses_and_spaces_does_not_shift_the_fields) {
  const auto times = parse_process_stat(
      "42 (a) b (c) S 1 42 42 0 -1 4194304 5 0 0 0 150 50 0 0 20 0 1 0 900 1000 7 1844 0", 100,
      4096);
  ASSERT_TRUE(times);
  EXPECT_DOUBLE_EQ(times->cpu_seconds, 2.0);
  EXPECT_DOUBLE_EQ(times->started_after_boot_seconds, 9.0);
  EXPECT_DOUBLE_EQ(times->resident_bytes, 7 * 4096.0);
}

TEST(process_metrics, a_line_that_is_cut_short_is_refused) {
  EXPECT_FALSE(parse_process_stat("42 (a) S 1 2 3", 100, 4096));
  EXPECT_FALSE(parse_process_stat("", 100, 4096));
}

TEST(process_metrics, memory_and_start_are_plausible) {
  EXPECT_GT(value_of("process_resident_memory_bytes"), 1e6);
  const auto now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_LE(value_of("process_start_time_seconds"), now + 2);
  EXPECT_GT(value_of("process_start_time_seconds"), now - 3600);
}

TEST(process_metrics, an_opened_file_counts_as_one_descriptor) {
  const auto before = value_of("process_open_fds");
  const std::ifstream file("/proc/self/stat");
  EXPECT_EQ(value_of("process_open_fds"), before + 1);
  EXPECT_GT(value_of("process_max_fds"), before);
}

TEST(process_metrics, work_adds_to_the_cpu_time) {
  const auto before = value_of("process_cpu_seconds_total");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (value_of("process_cpu_seconds_total") <= before &&
         std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_GT(value_of("process_cpu_seconds_total"), before);
}

}  // namespace
}  // namespace millrace
