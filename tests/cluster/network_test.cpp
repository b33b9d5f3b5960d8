// Hosts that are cut off from each other, from the database, or from both, each direction by
// itself.
#include <csignal>
#include <set>

#include <gmock/gmock.h>

#include "runtime/cluster/certificates.hpp"
#include "tests/cluster/credit_watch.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

const std::vector<std::string> hosts{"a", "b", "c"};
/// Of an embedding: there is work for as long as hosts are cut off, however slow the machine is;
/// then it comes to its end.
constexpr milliseconds slow{1000};
constexpr milliseconds quick{20};

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
  /// Three nodes, each on its host.
  bed_options on_hosts(bed_options o) {
    o.network = &network;
    return with_tls(certs, std::move(o));
  }
  /// Of what a host sends to these, or of what they send to it, nothing arrives any more, or again.
  void cut(const std::string& host, bool outward, const std::vector<std::string>& others) {
    for (const auto& other : others) outward ? network.cut(host, other) : network.cut(other, host);
  }
  void mend(const std::string& host, bool outward, const std::vector<std::string>& others) {
    for (const auto& other : others)
      outward ? network.mend(host, other) : network.mend(other, host);
  }
  static std::vector<std::string> others(const std::string& host) {
    auto found = hosts;
    std::erase(found, host);
    return found;
  }
  static std::vector<std::string> everybody_else(const std::string& host) {
    auto found = others(host);
    found.emplace_back(private_network::hub);
    return found;
  }
};

/// What both sides of a link say of it.
bool both_say(const cluster_bed& bed, const std::string& one, const std::string& other,
              const std::string& before, const std::string& after, std::size_t times) {
  const auto said = [&](const std::string& by, const std::string& of) {
    const auto words = before + of + after;
    const auto text = bed.node(by).process->err();
    std::size_t n = 0;
    for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++n;
    return n >= times;
  };
  return said(one, other) && said(other, one);
}

// Whoever is cut off from the others still reaches the database: nobody is dead, nothing is taken
// from anybody.
TEST_F(network_test, every_node_cut_off_from_the_others_keeps_its_work) {
  constexpr int documents = 1200;
  cluster_bed bed{on_hosts({.documents = documents, .latency = slow, .concurrency = 4})};
  bed.start_all();
  ASSERT_TRUE(bed.linked(hosts));
  bed.submit("a");
  credit_watch credit{bed};
  std::map<std::set<std::string>, std::size_t> times;
  for (const auto& victim : hosts)
    for (const bool outward : {true, false}) {
      SCOPED_TRACE(victim + (outward ? ", outward" : ", inward"));
      ASSERT_TRUE(credit.until(hosts, [&] { return bed.leases_of(victim) > 0; }));
      cut(victim, outward, others(victim));
      for (const auto& other : others(victim)) {
        const auto n = ++times[{victim, other}];
        EXPECT_TRUE(credit.until(hosts, [&] {
          return both_say(bed, victim, other, "the link with node ", " is lost", n);
        })) << other;
      }
      mend(victim, outward, others(victim));
      for (const auto& other : others(victim)) {
        const auto n = times[{victim, other}] + 1;
        EXPECT_TRUE(credit.until(hosts, [&] {
          return both_say(bed, victim, other, "linked with node ", "", n);
        })) << other;
      }
    }
  bed.server.set_latency(quick);
  ASSERT_TRUE(credit.until(hosts, [&] { return bed.is_ready(); }));
  credit.expect_busy(hosts.size());
  EXPECT_EQ(credit.carried_twice(), 0U);
  EXPECT_EQ(bed.number("select coalesce(max(attempts), 0) from documents"), 1)
      << "nobody's lease was taken";
  bed.stop_all();
  bed.expect_end({documents});
}

// To the others and to the database it is gone, and no connection of its own tells it so.
TEST_F(network_test, every_node_cut_off_from_all_loses_its_work_and_comes_back) {
  constexpr int documents = 1600;
  cluster_bed bed{on_hosts({.documents = documents, .latency = slow, .remote_database = true})};
  bed.start_all();
  ASSERT_TRUE(bed.linked(hosts));
  ASSERT_TRUE(bed.settled());
  bed.submit("a");
  credit_watch credit{bed};
  for (const auto& victim : hosts)
    for (const bool outward : {true, false}) {
      SCOPED_TRACE(victim + (outward ? ", outward" : ", inward"));
      ASSERT_TRUE(credit.until(hosts, [&] { return bed.leases_of(victim) > 0; }));
      cut(victim, outward, everybody_else(victim));
      EXPECT_TRUE(credit.until(hosts, [&] { return bed.leases_of(victim) == 0; }));
      mend(victim, outward, everybody_else(victim));
      const auto done = bed.done_by(victim);
      EXPECT_TRUE(credit.until(hosts, [&] { return bed.done_by(victim) > done; }));
    }
  bed.server.set_latency(quick);
  ASSERT_TRUE(credit.until(hosts, [&] { return bed.is_ready(); }));
  credit.expect_busy(hosts.size());
  bed.stop_all();
  bed.expect_end({documents});
}

// It waits for a database that says nothing, for no longer than it may.
TEST_F(network_test, a_node_that_is_cut_off_from_all_ends_when_told_to) {
  constexpr int documents = 600;
  cluster_bed bed{on_hosts({.documents = documents,
                            .latency = milliseconds{300},
                            .rest = "[drain]\ntimeout = \"2s\"\n",
                            .remote_database = true})};
  bed.start_all();
  ASSERT_TRUE(bed.linked(hosts));
  bed.submit("a");
  ASSERT_TRUE(eventually([&] { return bed.done_by("b") > 0; }));
  for (const bool outward : {true, false}) cut("b", outward, everybody_else("b"));
  auto& process = *bed.node("b").process;
  process.signal(SIGTERM);
  const auto ended = process.wait();
  EXPECT_EQ(ended.exit_code, 1) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("the node did not end in time; leaving at once"));
  ASSERT_TRUE(bed.ended());
  bed.kill("b");
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
  EXPECT_TRUE(eventually([&] { return bed.leases_of("b") == 0; }))
      << "expired, and taken by the others";
  ASSERT_EQ(std::system((in_its_place + "umount --lazy '" + sockets + "'").c_str()), 0);
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
