// Nodes that do one thing each: any role on any node, and work finds it.
#include <csignal>

#include <gmock/gmock.h>

#include "tests/cluster/credit_watch.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

const std::map<std::string, std::string> one_role_each{
    {"front", R"(["queue_puller", "ledger", "status_aggregator"])"},
    {"reader", R"(["document"])"},
    {"eyes", R"(["image"])"},
    {"vectors", R"(["embedder"])"}};
const std::vector<std::string> names{"front", "reader", "eyes", "vectors"};

/// Texts, and scans that must be read. Files are at `front` alone, as far as the others know.
struct divided_cluster : cluster_bed {
  static constexpr int scans = 4;

  divided_cluster(int texts, milliseconds latency, const std::string& rest = {})
      : cluster_bed{{.documents = texts,
                     .latency = latency,
                     .names = names,
                     .shared = false,
                     .rest = rest,
                     .roles = one_role_each}} {
    for (const auto* scan : {"sign.png", "sign-turned.jpg", "two-pages.tif", "scanned-letter.pdf"})
      std::filesystem::copy_file(std::filesystem::path{MILLRACE_TEST_DATA} / scan,
                                 std::filesystem::path{w.documents()} / scan);
    start_all();
    EXPECT_TRUE(linked(names));
  }
};

/// Requests that a node's actors of a role have handled.
std::uint64_t handled(const cluster_bed& bed, const std::string& name, const std::string& role) {
  std::uint64_t sum = 0;
  const auto actors = bed.actors(name);
  for (const auto& actor : actors.GetArray())
    if (role == actor["role"].GetString()) sum += actor["handled"].GetUint64();
  return sum;
}

TEST(roles, each_on_a_node_of_its_own) {
  constexpr int texts = 60;
  divided_cluster bed{texts, milliseconds{5}};
  constexpr std::size_t large = 3U << 20;  // three pieces on its way from `front` to `reader`
  bed.w.add_document("large.html", "<html><!--" + std::string(large, 'x') +
                                       "--><body><p>What stands behind.</p></body></html>");
  bed.submit("front");
  ASSERT_TRUE(bed.ended());
  const int all = texts + divided_cluster::scans + 1;
  EXPECT_EQ(bed.number("select count(*) from chunks where text = 'What stands behind.'"), 1);
  EXPECT_GE(bed.node("reader").metric("millrace_fetched_bytes_total"), static_cast<double>(large));
  EXPECT_EQ(bed.done_by("reader"), all);
  EXPECT_GE(handled(bed, "eyes", "image"), 5U) << "one image, and its answer, each";
  EXPECT_GE(handled(bed, "vectors", "embedder"), static_cast<std::uint64_t>(all));
  EXPECT_EQ(handled(bed, "reader", "image"), 0U);
  EXPECT_GE(bed.number("select count(*) from images where text <> ''"), 4);
  EXPECT_EQ(bed.number("select count(*) from documents where error_code is not null"), 0);
  EXPECT_EQ(bed.sql("select roles::text from nodes where name = 'eyes'"), "{image}");
  EXPECT_EQ(bed.number("select capacity from nodes where name = 'eyes'"), 0);
  // A drain of the node with the documents: none of them is the puller's any more.
  const auto drained = bed.w.run({"drain", "reader", "--wait", "--endpoint", bed.node("eyes").url});
  EXPECT_EQ(drained.exit_code, 0) << drained.err;
  bed.stop_all();
  bed.expect_end({all});
}

TEST(roles, images_are_read_by_another_node_when_all_are_busy_here) {
  constexpr int scans = 24;
  cluster_bed bed{{.names = {"front", "eyes"},
                   .rest = "[images]\nconcurrency = 1\n",
                   .roles = {{"front", R"(["all"])"}, {"eyes", R"(["image"])"}}}};
  for (int i = 0; i < scans; ++i)
    std::filesystem::copy_file(
        std::filesystem::path{MILLRACE_TEST_DATA} / "sign.png",
        std::filesystem::path{bed.w.documents()} / ("sign-" + std::to_string(i) + ".png"));
  bed.start_all();
  ASSERT_TRUE(bed.linked({"front", "eyes"}));
  bed.submit("front");
  ASSERT_TRUE(bed.ended());
  for (const auto* name : {"front", "eyes"}) EXPECT_GT(handled(bed, name, "image"), 0U) << name;
  EXPECT_EQ(bed.number("select count(*) from images where text <> ''"), scans);
  bed.stop_all();
  bed.expect_end({scans});
}

TEST(roles, in_flight_work_never_exceeds_the_credit_given) {
  constexpr int texts = 400;
  divided_cluster bed{texts, milliseconds{50}};
  bed.submit("front");
  credit_watch watch{bed};
  ASSERT_TRUE(eventually([&] {
    watch.look_at(bed.node("eyes").json("/v1/actors?cluster=1"));
    return bed.is_ready();
  }));
  watch.expect_busy(1);
  EXPECT_EQ(watch.carried_twice(), 0U);
  for (const auto* role : {"embedder", "committer", "image_desk"})
    EXPECT_GT(watch.largest_mailbox(role), 0U) << role;
  bed.stop_all();
  bed.expect_end({texts + divided_cluster::scans});
}

TEST(roles, of_a_killed_node_wait_for_it_or_go_elsewhere) {
  constexpr int texts = 400;
  divided_cluster bed{texts, milliseconds{100}};
  bed.submit("front");
  credit_watch watch{bed};
  for (const auto& name : names) {
    const auto done = bed.done_by("reader");
    ASSERT_TRUE(watch.until(names, [&] { return bed.done_by("reader") > done; }))
        << "before " << name;
    bed.node(name).process->signal(SIGKILL);
    bed.node(name).process->wait();
    bed.start(name);
  }
  ASSERT_TRUE(watch.until(names, [&] { return bed.is_ready(); }));
  watch.expect_busy(2);
  EXPECT_EQ(bed.number("select count(*) from documents where status = 'failed'"), 0);
  bed.stop_all();
  bed.expect_end({texts + divided_cluster::scans});
}

// Nothing ends by itself meanwhile: all that is at work when the time is up must go back.
TEST(roles, of_a_node_that_drains_cost_no_document_an_attempt) {
  constexpr int texts = 60;
  divided_cluster bed{texts, std::chrono::hours{1}, "[drain]\ntimeout = \"2s\"\n"};
  bed.submit("front");
  std::string said;  // by the nodes that drained
  for (const auto& name : names) {
    ASSERT_TRUE(eventually([&] {
      return std::cmp_greater_equal(bed.leases_of("front"), bed.slots()) &&
             bed.documents_at_work("reader") == bed.slots();
    })) << "before "
        << name;
    bed.node(name).process->signal(SIGTERM);
    const auto ended = bed.node(name).process->wait();
    EXPECT_EQ(ended.exit_code, 0) << name << ": " << ended.err;
    said += "---- " + name + "\n" + ended.err;
    if (name == "front" || name == "reader") {
      EXPECT_THAT(ended.err, Not(HasSubstr("; 0 documents went back"))) << name;
    }
    if (name == "front") {
      EXPECT_EQ(bed.leases_of(name), 0);
    }
    if (name == "vectors") bed.server.set_latency(milliseconds{5});
    bed.start(name);
  }
  ASSERT_TRUE(bed.ended());
  for (const auto& name : names) said += "---- " + name + " now\n" + bed.node(name).process->err();
  EXPECT_EQ(bed.number("select max(attempts) from documents"), 1)
      << said << bed.sql("select json_agg((uri, attempts)) from documents where attempts > 1");
  bed.stop_all();
  bed.expect_end({texts + divided_cluster::scans});
}

TEST(roles, a_newcomer_takes_a_share_of_one) {
  constexpr int texts = 400;
  divided_cluster bed{texts, milliseconds{100}};
  bed.submit("front");
  bed.start("reader2",
            {"--listen", "127.0.0.1:" + std::to_string(free_port()), "--roles", "document"});
  EXPECT_TRUE(eventually([&] { return bed.done_by("reader2") > 0; }));
  const auto unknown = bed.refused({"--name", "z", "--listen", "127.0.0.1:1", "--roles", "docs"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("`docs` is no role; there are all, queue_puller, document"));
  ASSERT_TRUE(bed.ended());
  bed.stop_all();
  bed.expect_end({texts + divided_cluster::scans});
}

}  // namespace
}  // namespace millrace
