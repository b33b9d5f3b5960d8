#include "runtime/telemetry/metric_name.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(metric_name, names_of_the_design_are_fine) {
  using enum metric_kind;
  EXPECT_THAT(metric_name_problem(gauge, "millrace_mailbox_depth"), IsEmpty());
  EXPECT_THAT(metric_name_problem(counter, "millrace_mailbox_rejected_total"), IsEmpty());
  EXPECT_THAT(metric_name_problem(counter, "millrace_backpressure_seconds_total"), IsEmpty());
  EXPECT_THAT(metric_name_problem(histogram, "millrace_message_handling_seconds"), IsEmpty());
  EXPECT_THAT(metric_name_problem(gauge, "millrace_extractor_memory_bytes"), IsEmpty());
}

TEST(metric_name, a_foreign_prefix_is_refused) {
  EXPECT_THAT(metric_name_problem(metric_kind::gauge, "queue_depth"), HasSubstr("millrace_"));
  EXPECT_THAT(metric_name_problem(metric_kind::gauge, "millrace_"), HasSubstr("millrace_"));
}

TEST(metric_name, counters_and_only_counters_end_in_total) {
  EXPECT_THAT(metric_name_problem(metric_kind::counter, "millrace_claims"), HasSubstr("_total"));
  EXPECT_THAT(metric_name_problem(metric_kind::gauge, "millrace_claims_total"),
              HasSubstr("no counter"));
}

TEST(metric_name, units_that_are_not_base_units_are_refused) {
  using enum metric_kind;
  EXPECT_THAT(metric_name_problem(gauge, "millrace_wait_ms"), HasSubstr("seconds"));
  EXPECT_THAT(metric_name_problem(counter, "millrace_wait_milliseconds_total"),
              HasSubstr("seconds"));
  EXPECT_THAT(metric_name_problem(gauge, "millrace_memory_mb"), HasSubstr("bytes"));
  EXPECT_THAT(metric_name_problem(gauge, "millrace_forms"), IsEmpty());
}

TEST(metric_name, characters_outside_of_the_set_are_refused) {
  EXPECT_THAT(metric_name_problem(metric_kind::gauge, "millrace_Depth"), HasSubstr("a-z"));
  EXPECT_THAT(metric_name_problem(metric_kind::gauge, "millrace_a b"), HasSubstr("a-z"));
}

TEST(label_name, reserved_and_malformed_names_are_refused) {
  EXPECT_TRUE(is_label_name("role"));
  EXPECT_FALSE(is_label_name("le"));
  EXPECT_FALSE(is_label_name("__name__"));
  EXPECT_FALSE(is_label_name("9lives"));
  EXPECT_FALSE(is_label_name(""));
}

}  // namespace
}  // namespace millrace
