// What stands on the screen of `millrace top`, at any size.
#include "app/cli/top_screen.hpp"

#include <gmock/gmock.h>

#include "app/cli/columns.hpp"

namespace millrace::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

cluster_picture picture() {
  cluster_picture p;
  p.cluster = "demo";
  p.documents_per_second = 3.25;
  p.ready = 12345;
  p.leased = 16;
  p.nodes = {{.name = "a",
              .state = "running",
              .roles = {"all"},
              .leads = {"ledger", "reaper"},
              .documents = 9,
              .capacity = 100,
              .heartbeat_age_seconds = 0.4},
             {.name = "b",
              .state = "draining",
              .answers = false,
              .problem = "the node did not answer: it took longer than 5 s",
              .capacity = 8,
              .heartbeat_age_seconds = 4},
             {.name = "c", .state = "stopped", .heartbeat_age_seconds = 4000}};
  p.roles = {{.node = "a",
              .role = "document",
              .actors = 100,
              .busy = 9,
              .mailbox_depth = 3,
              .mailbox_limit = 6400,
              .fullest_depth = 2,
              .fullest_limit = 64,
              .mailbox_peak = 5,
              .handling_p50_seconds = 0.00012,
              .handling_p99_seconds = 1.5},
             {.node = "a", .role = "embedder", .actors = 1, .demand_available = 0}};
  p.documents = {
      {"file:///srv/documents/handbook/a-long-way-down/safety.pdf", "a", "embedding", 75},
      {"file:///srv/文書.pdf", "a", "extracting", 0.3}};
  return p;
}

std::string text(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& l : lines) out += l + "\n";
  return out;
}

TEST(top_screen, shows_the_cluster_its_nodes_their_actors_and_what_they_work_on) {
  EXPECT_EQ(text(render(picture(), {120, 0})),
            R"(cluster demo   nodes: 1 running, 1 draining, 1 stopped
queue 12,345 ready, 0 delayed, 16 leased, 0 dead   3.2 documents/s

NODE  STATE             DOCUMENTS  HEARTBEAT  LEADS          ROLES
a     running               9/100       0.4s  ledger,reaper  all
b     draining, silent        0/8       4.0s  -              the node did not answer: it took longer than 5 s
c     stopped                 0/0      1h 6m  -              -

ROLE      NODE  ACTORS  BUSY  MAILBOX  FULLEST  CREDIT    P50   P99  PEAK  REJECTED  RESTARTS
document  a        100     9  3/6,400     2/64       -  120µs  1.5s     5         0         0
embedder  a          1     0      0/0      0/0       0      -     -     0         0         0

   FOR  STAGE       NODE  DOCUMENT
1m 15s  embedding   a     file:///srv/documents/handbook/a-long-way-down/safety.pdf
  0.3s  extracting  a     file:///srv/文書.pdf
)");
}

TEST(top_screen, nothing_is_wider_or_higher_than_the_screen) {
  auto p = picture();
  p.problem = "no answer for 12s: " + std::string(300, 'x');
  for (std::size_t i = 0; i < 40; ++i) {
    p.nodes.push_back(
        {.name = "文" + std::to_string(i) + std::string(30, 'n'), .state = "running"});
    p.roles.push_back({.node = "a\033[2J", .role = "r" + std::to_string(i)});
    p.documents.push_back({"file:///\xff\xfe" + std::string(i * 9, 'd'), "a", "chunking", 1});
  }
  for (const std::size_t columns : {1, 5, 20, 79, 80, 132, 300})
    for (const std::size_t rows : {1, 2, 3, 4, 7, 8, 12, 24, 50, 500}) {
      const auto lines = render(p, {columns, rows});
      EXPECT_LE(lines.size(), rows) << columns << " x " << rows;
      for (const auto& l : lines) EXPECT_LE(columns_of(l), columns) << l;
      EXPECT_THAT(text(lines), Not(HasSubstr("\033")));
    }
}

TEST(top_screen, what_does_not_fit_is_counted_and_every_section_keeps_its_share) {
  auto p = picture();
  for (int i = 0; i < 100; ++i) p.roles.push_back({.node = "a", .role = "r" + std::to_string(i)});
  const auto lines = render(p, {120, 24});
  EXPECT_EQ(lines.size(), 24U);
  const auto shown = text(lines);
  EXPECT_THAT(shown, HasSubstr("c     stopped"));
  EXPECT_THAT(shown, HasSubstr("文書.pdf"));
  EXPECT_THAT(shown, HasSubstr("… 92 more"));
}

TEST(top_screen, a_section_without_rows_leaves_its_lines_to_the_others) {
  auto p = picture();
  p.documents.clear();
  for (int i = 0; i < 100; ++i) p.roles.push_back({.node = "a", .role = "r" + std::to_string(i)});
  const auto lines = render(p, {120, 24});
  EXPECT_EQ(lines.size(), 24U);
  EXPECT_EQ(lines.back(), "… 88 more");
}

TEST(top_screen, a_long_document_name_keeps_its_end) {
  EXPECT_THAT(text(render(picture(), {60, 0})),
              HasSubstr("  …ndbook/a-long-way-down/safety.pdf\n"));
}

TEST(top_screen, before_anything_is_known_it_says_why) {
  cluster_picture p;
  p.problem = "no answer for 2.0s: nobody listens; trying again";
  EXPECT_EQ(text(render(p, {80, 24})),
            "cluster -   nodes: none\n"
            "queue 0 ready, 0 delayed, 0 leased, 0 dead   - documents/s\n"
            "! no answer for 2.0s: nobody listens; trying again\n");
}

}  // namespace
}  // namespace millrace::cli
