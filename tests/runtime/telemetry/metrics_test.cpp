#include "runtime/telemetry/metrics.hpp"

#include <atomic>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(metrics, counters_show_what_was_counted) {
  metrics m;
  m.documents_total("ready").Increment(3);
  m.queue_claims_total.Increment();
  m.ledger_transactions_total("deduct").Increment();
  const auto text = m.render();
  EXPECT_THAT(text, HasSubstr("millrace_documents_total{status=\"ready\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("millrace_queue_claims_total 1\n"));
  EXPECT_THAT(text, HasSubstr("millrace_ledger_transactions_total{type=\"deduct\"} 1\n"));
}

TEST(metrics, known_series_are_there_before_their_first_event) {
  const auto text = metrics().render();
  EXPECT_THAT(text, HasSubstr("millrace_documents_total{status=\"cancelled\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("millrace_document_seconds_count{stage=\"embedding\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("millrace_build_info{"));
}

TEST(metrics, document_seconds_has_buckets_from_a_millisecond_to_two_hours) {
  metrics m;
  m.document_seconds("total").Observe(7100);
  const auto text = m.render();
  EXPECT_THAT(text,
              HasSubstr("millrace_document_seconds_bucket{stage=\"total\",le=\"0.001\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("millrace_document_seconds_bucket{stage=\"total\",le=\"7200\"} 1\n"));
}

TEST(metrics, a_collector_is_read_at_each_scrape) {
  metrics m;
  double depth = 1;
  m.collect(metrics::kind::gauge, "millrace_queue_depth", "Documents that wait.",
            [&](const metrics::setter& set) {
              set({{"state", "ready"}}, depth);
            });
  EXPECT_THAT(m.render(), HasSubstr("millrace_queue_depth{state=\"ready\"} 1\n"));
  depth = 2;
  EXPECT_THAT(m.render(), HasSubstr("millrace_queue_depth{state=\"ready\"} 2\n"));
}

TEST(metrics, a_hostile_label_value_cannot_add_a_line) {
  metrics m;
  m.collect(metrics::kind::gauge, "millrace_nodes", "Nodes.", [](const metrics::setter& set) {
    set({{"state", "up\"} 1\nmillrace_forged 1\n\\"}}, 1);
  });
  const auto text = m.render();
  EXPECT_THAT(text, Not(HasSubstr("\nmillrace_forged")));
  EXPECT_THAT(text, HasSubstr("up\\\"} 1\\nmillrace_forged 1\\n\\\\"));
}

TEST(metrics, names_that_break_the_rules_or_are_taken_are_refused) {
  metrics m;
  const auto none = [](const metrics::setter&) {};
  using enum metric_kind;
  EXPECT_THROW(m.collect(gauge, "queue_depth", "", none), std::invalid_argument);
  EXPECT_THROW(m.collect(counter, "millrace_kills", "", none), std::invalid_argument);
  EXPECT_THROW(m.collect(histogram, "millrace_wait_seconds", "", none), std::invalid_argument);
  EXPECT_THROW(m.collect(counter, "millrace_documents_total", "", none), std::invalid_argument);
  m.collect(gauge, "millrace_queue_depth", "", none);
  EXPECT_THROW(m.collect(gauge, "millrace_queue_depth", "", none), std::invalid_argument);
}

TEST(metrics, a_collector_that_throws_is_counted_and_harms_no_other) {
  metrics m;
  m.collect(metrics::kind::gauge, "millrace_broken", "", [](const metrics::setter& set) {
    set({}, 1);
    throw std::runtime_error("the database is gone");
  });
  m.collect(metrics::kind::gauge, "millrace_whole", "",
            [](const metrics::setter& set) { set({}, 5); });
  const auto text = m.render();
  EXPECT_THAT(text, Not(HasSubstr("millrace_broken")));
  EXPECT_THAT(text, HasSubstr("millrace_whole 5\n"));
  EXPECT_THAT(text, HasSubstr("millrace_scrape_errors_total 1\n"));
}

TEST(metrics, the_last_value_for_the_same_labels_counts) {
  metrics m;
  m.collect(metrics::kind::gauge, "millrace_leader", "", [](const metrics::setter& set) {
    set({{"role", "ledger"}}, 0);
    set({{"role", "ledger"}}, 1);
  });
  const auto text = m.render();
  EXPECT_THAT(text, HasSubstr("millrace_leader{role=\"ledger\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("millrace_leader{role=\"ledger\"} 0\n")));
}

TEST(metrics, latencies_become_cumulative_buckets) {
  metrics m;
  latency_histogram waits;
  waits.record(std::chrono::nanoseconds{500});
  waits.record(std::chrono::milliseconds{3});
  waits.record(std::chrono::hours{3});
  m.collect_latency("millrace_mailbox_wait_seconds", "", [&](const metrics::latency_setter& set) {
    set({{"role", "document"}}, waits.snapshot());
  });
  const auto text = m.render();
  const std::string series = "millrace_mailbox_wait_seconds";
  EXPECT_THAT(text, HasSubstr("# TYPE " + series + " histogram\n"));
  EXPECT_THAT(text, HasSubstr(series + "_bucket{role=\"document\",le=\"1.024e-06\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(series + "_bucket{role=\"document\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(series + "_count{role=\"document\"} 3\n"));
}

TEST(metrics, a_forgotten_collector_is_not_read_again_and_its_name_is_free) {
  metrics m;
  int reads = 0;
  const auto sample = [&](const metrics::setter& set) { set({}, ++reads); };
  m.collect(metrics::kind::gauge, "millrace_pool", "", sample);
  m.forget("millrace_pool");
  EXPECT_THAT(m.render(), Not(HasSubstr("millrace_pool")));
  EXPECT_EQ(reads, 0);
  EXPECT_NO_THROW(m.collect(metrics::kind::gauge, "millrace_pool", "", sample));
}

TEST(metrics, a_collector_may_count_and_register_while_it_runs) {
  metrics m;
  m.collect(metrics::kind::gauge, "millrace_outer", "", [&](const metrics::setter& set) {
    m.documents_total("ready").Increment();
    m.collect(metrics::kind::gauge, "millrace_inner", "",
              [](const metrics::setter& inner) { inner({}, 1); });
    set({}, 1);
  });
  EXPECT_THAT(m.render(), HasSubstr("millrace_documents_total{status=\"ready\"} 1\n"));
}

TEST(metrics, every_family_is_rendered_once_with_the_prefix) {
  metrics m;
  std::istringstream lines(m.render());
  std::set<std::string> families;
  const std::regex type_line("# TYPE ([a-z_]+) (counter|gauge|histogram)");
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, type_line)) continue;
    const auto name = match[1].str();
    EXPECT_TRUE(families.insert(name).second) << name;
    EXPECT_TRUE(name.starts_with("millrace_") || name.starts_with("process_")) << name;
  }
  EXPECT_GE(families.size(), 15U);
}

TEST(metrics, scrapes_and_counting_may_overlap) {
  metrics m;
  std::atomic<int> reads = 0;
  m.collect(metrics::kind::gauge, "millrace_reads", "",
            [&](const metrics::setter& set) { set({}, ++reads); });
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          m.db_transactions_total("commit").Increment();
          EXPECT_FALSE(m.render().empty());
        }
      });
  }
  EXPECT_EQ(reads, 200);
  EXPECT_THAT(m.render(), HasSubstr("millrace_db_transactions_total{purpose=\"commit\"} 200\n"));
}

}  // namespace
}  // namespace millrace
