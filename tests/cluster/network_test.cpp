// Links that are cut, each direction by itself, and a database that one node cannot reach.
#include <csignal>

#include <gmock/gmock.h>

#include "runtime/cluster/certificates.hpp"
#include "tests/cluster/cluster_bed.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;

const std::vector<std::string> hosts{"a", "b", "c"};

class network_test : public ::testing::Test {
 protected:
  private_network network{hosts};
  temporary_directory folder;
  std::filesystem::path certs = folder.path() / "certs";

  void SetUp() override {
    const auto ca = certificate_authority::open(certs, "test");
    ASSERT_TRUE(ca) << ca.error().message;
    for (const auto& name : hosts) ASSERT_TRUE(ca->issue(name, 30));
  }
  static std::size_t count(const live_node& node, const std::string& words) {
    const auto said = node.process->err();
    std::size_t n = 0;
    for (auto at = said.find(words); at != std::string::npos; at = said.find(words, at + 1)) ++n;
    return n;
  }
  /// Of the link between two, told by both.
  static bool lost(const cluster_bed& bed, const std::string& one, const std::string& other,
                   std::size_t times) {
    return eventually([&] {
      return count(bed.node(one), "the link with node " + other + " is lost") >= times &&
             count(bed.node(other), "the link with node " + one + " is lost") >= times;
    });
  }
  static bool linked(const cluster_bed& bed, const std::string& one, const std::string& other,
                     std::size_t times) {
    return eventually([&] {
      return count(bed.node(one), "linked with node " + other) >= times &&
             count(bed.node(other), "linked with node " + one) >= times;
    });
  }
};

// Whoever is cut off from the others still reaches the database: nobody is dead, nothing is taken
// from anybody.
TEST_F(network_test, a_link_that_is_cut_in_one_direction_or_the_other_costs_nobody_his_work) {
  constexpr int documents = 1200;
  cluster_bed bed{with_tls(certs, {.documents = documents,
                                   .latency = milliseconds{400},
                                   .concurrency = 4,
                                   .network = &network})};
  bed.start_all();
  ASSERT_TRUE(bed.linked(hosts));
  bed.submit("a");
  std::map<std::string, std::size_t> times;
  const auto pair = [](const std::string& x, const std::string& y) {
    return x < y ? x + y : y + x;
  };
  for (const auto& victim : hosts)
    for (const bool outward : {true, false}) {
      const auto each_other = [&](auto&& act) {
        for (const auto& other : hosts)
          if (other != victim) act(other, outward ? victim : other, outward ? other : victim);
      };
      each_other([&](auto&, auto& from, auto& to) { network.cut(from, to); });
      each_other([&](auto& other, auto&, auto&) {
        EXPECT_TRUE(lost(bed, victim, other, ++times[pair(victim, other)]))
            << victim << " and " << other << (outward ? ", outward" : ", inward");
      });
      each_other([&](auto&, auto& from, auto& to) { network.mend(from, to); });
      each_other([&](auto& other, auto&, auto&) {
        EXPECT_TRUE(linked(bed, victim, other, times[pair(victim, other)] + 1))
            << victim << " and " << other << (outward ? ", outward" : ", inward");
      });
    }
  ASSERT_TRUE(bed.ended());
  EXPECT_EQ(bed.number("select coalesce(max(attempts), 0) from documents"), 1)
      << "nobody's lease was taken";
  bed.stop_all();
  bed.expect_end({documents});
}

/// Its sockets are hidden and its connections ended; the links stay.
TEST(network, a_node_that_cannot_reach_the_database_loses_its_work_and_comes_back) {
  constexpr int documents = 600;
  cluster_bed bed{{.documents = documents, .latency = milliseconds{200}}};
  bed.start("a");
  bed.start("b", {}, {"/usr/bin/unshare", "--mount"});
  bed.start("c");
  ASSERT_TRUE(bed.linked(hosts));
  bed.submit("a");
  ASSERT_TRUE(eventually([&] { return bed.done_by("b") > 0; }));
  const auto sockets = bed.sql("show unix_socket_directories");
  const auto pid = bed.number("select pid from nodes where name = 'b'");
  const auto in_its_place = "/usr/bin/nsenter --mount --target " + std::to_string(pid) + " ";
  ASSERT_EQ(std::system((in_its_place + "mount -t tmpfs none '" + sockets + "'").c_str()), 0);
  bed.sql(
      "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = "
      "'millrace/b'");
  EXPECT_TRUE(eventually([&] {
    return bed.number("select count(*) from queue_leases where node = 'b'") == 0;
  })) << "expired, and taken by the others";
  ASSERT_EQ(std::system((in_its_place + "umount '" + sockets + "'").c_str()), 0);
  EXPECT_TRUE(eventually([&] {
    return bed.number(
               "select count(*) from nodes where name = 'b' and heartbeat_at > clock_timestamp() - "
               "interval '3 s'") == 1;
  })) << bed.node("b").process->err();
  ASSERT_TRUE(bed.ended());
  bed.stop_all();
  bed.expect_end({documents});
}

}  // namespace
}  // namespace millrace
