// Nodes that do one thing each: any role on any node, and work finds it.
#include <csignal>
#include <set>

#include <gmock/gmock.h>

#include "tests/cluster/cluster_bed.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

const std::map<std::string, std::string> one_role_each{
    {"front", R"(["queue_puller", "ledger", "status_aggregator"])"},
    {"reader", R"(["document"])"},
    {"eyes", R"(["image"])"},
    {"vectors", R"(["embedder"])"}};
const std::vector<std::string> names{"front", "reader", "eyes", "vectors"};

/// Texts, and scans that must be read. Files are at `front` alone, as far as the others know.
struct divided_cluster : cluster_bed {
  static constexpr int scans = 4;

  divided_cluster(int texts, milliseconds latency)
      : cluster_bed{{.documents = texts,
                     .latency = latency,
                     .names = names,
                     .shared = false,
                     .roles = one_role_each}} {
    for (const auto* scan : {"sign.png", "sign-turned.jpg", "two-pages.tif", "scanned-letter.pdf"})
      std::filesystem::copy_file(std::filesystem::path{MILLRACE_TEST_DATA} / scan,
                                 std::filesystem::path{w.documents()} / scan);
    start_all();
    EXPECT_TRUE(linked(names));
  }
  /// Requests that a node's actors of a role have handled.
  std::uint64_t handled(const std::string& name, const std::string& role) const {
    std::uint64_t sum = 0;
    const auto actors = node(name).json("/v1/actors");
    for (const auto& actor : actors.GetArray())
      if (role == actor["role"].GetString()) sum += actor["handled"].GetUint64();
    return sum;
  }
};

TEST(roles, each_on_a_node_of_its_own) {
  constexpr int texts = 60;
  divided_cluster bed{texts, milliseconds{5}};
  bed.submit("front");
  ASSERT_TRUE(bed.ended());
  const int all = texts + divided_cluster::scans;
  EXPECT_EQ(bed.done_by("reader"), all);
  EXPECT_GE(bed.handled("eyes", "image"), 5U) << "one image, and its answer, each";
  EXPECT_GE(bed.handled("vectors", "embedder"), static_cast<std::uint64_t>(all));
  EXPECT_EQ(bed.handled("reader", "image"), 0U);
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

/// What nodes say of their actors, held against what each may have.
struct credit_watch {
  static constexpr std::size_t slots = 8;  ///< bed_options::concurrency, of one node.

  std::size_t looks = 0;
  std::size_t most_documents = 0;
  std::map<std::string, std::uint64_t> peaks;  ///< Of mailboxes, by role.

  void look(const cluster_bed& bed) {
    std::set<std::string> documents;
    std::size_t carried = 0;
    const auto actors = bed.node("eyes").json("/v1/actors?cluster=1");
    for (const auto& actor : actors.GetArray()) {
      const std::string role{actor["role"].GetString()};
      const auto peak = actor["mailbox_peak"].GetUint64();
      EXPECT_LE(actor["mailbox_depth"].GetUint64(), actor["mailbox_limit"].GetUint64()) << role;
      EXPECT_LE(peak, actor["mailbox_limit"].GetUint64()) << role;
      EXPECT_EQ(actor["mailbox_rejected"].GetUint64(), 0U) << role;
      peaks[role] = std::max(peaks[role], peak);
      if (role != "document" || actor["document"].IsNull()) continue;
      documents.insert(actor["document"].GetString());
      ++carried;
    }
    EXPECT_LE(carried, slots);
    EXPECT_EQ(documents.size(), carried) << "nothing is worked on twice";
    most_documents = std::max(most_documents, carried);
    ++looks;
  }
};

TEST(roles, in_flight_work_never_exceeds_the_credit_given) {
  constexpr int texts = 400;
  divided_cluster bed{texts, milliseconds{50}};
  bed.submit("front");
  credit_watch watch;
  ASSERT_TRUE(eventually([&] {
    watch.look(bed);
    return bed.sql("select status from datasets") == "ready";
  }));
  EXPECT_GE(watch.looks, 10U);
  EXPECT_EQ(watch.most_documents, credit_watch::slots) << "it was busy";
  for (const auto* role : {"embedder", "committer", "image_desk"})
    EXPECT_GT(watch.peaks[role], 0U) << role;
  EXPECT_LE(bed.server.count().max_in_flight, credit_watch::slots)
      << "a document has one text of one chunk at the provider";
  bed.stop_all();
  bed.expect_end({texts + divided_cluster::scans});
}

TEST(roles, of_a_killed_node_wait_for_it_or_go_elsewhere) {
  constexpr int texts = 400;
  divided_cluster bed{texts, milliseconds{100}};
  bed.submit("front");
  for (const auto& name : names) {
    const auto done = bed.done_by("reader");
    ASSERT_TRUE(eventually([&] { return bed.done_by("reader") > done; })) << "before " << name;
    bed.node(name).process->signal(SIGKILL);
    bed.node(name).process->wait();
    bed.start(name);
  }
  ASSERT_TRUE(bed.ended());
  EXPECT_EQ(bed.number("select count(*) from documents where status = 'failed'"), 0);
  bed.stop_all();
  bed.expect_end({texts + divided_cluster::scans});
}

TEST(roles, a_newcomer_takes_a_share_of_one) {
  constexpr int texts = 400;
  divided_cluster bed{texts, milliseconds{100}};
  bed.submit("front");
  bed.start("reader2",
            {"--listen", "127.0.0.1:" + std::to_string(bed.free_port()), "--roles", "document"});
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
