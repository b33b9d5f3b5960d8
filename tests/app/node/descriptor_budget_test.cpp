#include "app/node/descriptor_budget.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(descriptor_budget, a_generous_limit_leaves_the_api_all_its_connections) {
  const auto budget = plan_descriptors({}, true, 65'536);
  EXPECT_EQ(budget.api_connections, max_api_connections);
  EXPECT_EQ(budget.warning, "");
  EXPECT_GT(budget.engine, 100U);
}

TEST(descriptor_budget, a_low_limit_costs_the_api_connections_first) {
  const auto all = plan_descriptors({}, false, 65'536);
  const auto low = plan_descriptors({}, false, all.engine + 2 * 40);
  EXPECT_EQ(low.api_connections, 40);
  EXPECT_EQ(low.warning, "");
}

TEST(descriptor_budget, one_that_is_too_low_for_the_engine_is_said_with_both_numbers) {
  const auto budget = plan_descriptors({}, false, 150);
  EXPECT_EQ(budget.api_connections, min_api_connections);
  EXPECT_NE(budget.warning.find("at most 150 files"), std::string::npos) << budget.warning;
  EXPECT_NE(budget.warning.find(std::to_string(budget.engine + 2 * min_api_connections)),
            std::string::npos)
      << budget.warning;
}

TEST(descriptor_budget, what_is_configured_counts) {
  settings s;
  const auto before = plan_descriptors(s, false, 65'536).engine;
  s.documents.concurrency += 10;
  s.database.max_overflow += 5;
  EXPECT_EQ(plan_descriptors(s, false, 65'536).engine, before + 15);
}

}  // namespace
}  // namespace millrace
