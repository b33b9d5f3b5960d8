// The links themselves: over TLS, and with those who do not belong at the port.
#include <csignal>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/cluster/certificates.hpp"
#include "runtime/core/unique_fd.hpp"
#include "tests/cluster/cluster_bed.hpp"
#include "tests/cluster/tls_visitor.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class links_test : public ::testing::Test {
 protected:
  temporary_directory folder;
  std::filesystem::path certs = folder.path() / "certs";

  void issue(const std::vector<std::string>& nodes, const std::filesystem::path& where) {
    const auto ca = certificate_authority::open(where, "test");
    ASSERT_TRUE(ca) << ca.error().message;
    for (const auto& n : nodes) {
      const auto made = ca->issue(n, 30);
      ASSERT_TRUE(made) << made.error().message;
    }
  }
};

unique_fd connect_to(int port) {
  unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

/// The other side has closed.
bool is_dropped(const unique_fd& fd) {
  char byte;
  return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT) == 0 || (errno != EAGAIN && errno != EINTR);
}

/// A row of a live node `b` at that port of this machine, until the thread is gone.
std::jthread beat_as_b(const cluster_bed& bed, int port) {
  const auto beat = [&bed, port] {
    bed.sql(
        "insert into nodes (name, incarnation, address, roles, state, version, pid, capacity, "
        "protocol, link_id) select 'b', 0, '127.0.0.1:" +
        std::to_string(port) +
        "', roles, state, version, 1, 1, protocol, 'b' from nodes where name = 'a' on conflict "
        "(name) do update set heartbeat_at = clock_timestamp() returning 1");
  };
  beat();
  return std::jthread{[beat](const std::stop_token& stopped) {
    while (!stopped.stop_requested()) beat();
  }};
}

double cpu_seconds(pid_t pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/stat"};
  std::string stat{std::istreambuf_iterator<char>(in), {}};
  std::istringstream fields{stat.substr(stat.rfind(')') + 2)};
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

TEST_F(links_test, nodes_with_certificates_of_one_ca_work_together) {
  constexpr int documents = 150;
  cluster_bed bed{with_tls(certs, {.documents = documents, .shared = false})};
  const auto made = bed.w.run({"certs", certs.native(), "--config", bed.config, "--days", "30"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("keep ca.key off the nodes"));
  bed.start_all();
  ASSERT_TRUE(bed.linked({"a", "b", "c"}));
  const auto ready = bed.node("a").get("/readyz?verbose");
  EXPECT_THAT(ready.body, HasSubstr("certificate"));
  EXPECT_THAT(ready.body, HasSubstr("ends in 29 days"));
  const std::chrono::duration<double> end{bed.node("a").metric("millrace_certificate_end_seconds")};
  const auto left = end - std::chrono::system_clock::now().time_since_epoch();
  EXPECT_GT(left, std::chrono::days{29});
  EXPECT_LE(left, std::chrono::days{30});
  bed.submit("a");
  ASSERT_TRUE(bed.ended());
  bed.stop_all();
  bed.expect_end({documents});
}

TEST_F(links_test, certificates_that_do_not_fit_are_refused_at_the_start) {
  issue({"a"}, certs);
  cluster_bed bed{with_tls(certs, {.names = {"a", "b"}})};
  const auto missing = bed.refused({"--name", "b"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("b.pem cannot be read; `millrace certs` makes it"));
  issue({"b"}, folder.path() / "other");
  for (const auto* file : {"b.pem", "b.key"})
    std::filesystem::copy(folder.path() / "other" / file, certs / file);
  const auto stranger = bed.refused({"--name", "b"});
  EXPECT_EQ(stranger.exit_code, 2);
  EXPECT_THAT(stranger.err, HasSubstr("is not signed by"));
  for (const auto* end : {".pem", ".key"})
    std::filesystem::copy(certs / (std::string{"a"} + end), certs / (std::string{"b"} + end),
                          std::filesystem::copy_options::overwrite_existing);
  const auto another = bed.refused({"--name", "b"});
  EXPECT_EQ(another.exit_code, 2);
  EXPECT_THAT(another.err, HasSubstr("b.pem is the certificate of `a`, not of node `b`"));
  std::filesystem::permissions(certs / "a.key", std::filesystem::perms{0644});
  const auto open = bed.refused({"--name", "a"});
  EXPECT_EQ(open.exit_code, 1);
  EXPECT_THAT(open.err, HasSubstr("a.key is open to others than its owner (mode 0644); chmod 600"));
}

// Made by whoever comes first, with nobody asked.
TEST_F(links_test, nodes_of_one_machine_make_their_certificates_once) {
  constexpr int documents = 30;
  cluster_bed bed{{.documents = documents}};
  const auto all = bed.w.start({"up", "--config", bed.config});
  for (const auto* name : {"a", "b", "c"})
    EXPECT_TRUE(all->says(std::string{"linked with node "} + name)) << all->err();
  const auto folder_of = [&] {
    return bed.w.data() / "links" / bed.sql("select left(id::text, 8) from database_identity");
  };
  const auto ca = read_text(folder_of() / "ca.pem");
  EXPECT_NE(ca, "");
  for (const auto* file : {"ca.key", "nodes/a.key", "nodes/b.key", "nodes/c.key"})
    EXPECT_EQ(std::filesystem::status(folder_of() / file).permissions(),
              std::filesystem::perms{0600})
        << file;
  all->signal(SIGTERM);
  EXPECT_EQ(all->wait().exit_code, 0);
  const auto a = read_text(folder_of() / "nodes/a.pem");
  bed.start_all();
  ASSERT_TRUE(bed.linked({"a", "b", "c"}));
  EXPECT_EQ(read_text(folder_of() / "ca.pem"), ca);
  EXPECT_EQ(read_text(folder_of() / "nodes/a.pem"), a);
  EXPECT_THAT(bed.node("a").get("/readyz?verbose").body, HasSubstr("nodes/a.pem ends in 36"));
  bed.submit("a");
  ASSERT_TRUE(bed.ended());
  bed.stop_all();
  bed.expect_end({documents});
}

// What CAF alone answers by reserving so much memory at once, and losing the link with b.
TEST_F(links_test, an_announced_payload_costs_neither_memory_nor_a_link) {
  constexpr double most_mib = 64;
  cluster_bed bed{{.names = {"a", "b"}}};
  bed.start_all();
  ASSERT_TRUE(bed.linked({"a", "b"}));
  auto& a = bed.node("a");
  const auto port = bed.ports.at("a");
  std::string frame(90, '\0');  // a client's handshake, of 512 MiB
  frame[0] = 1;
  frame[4] = 0x20;
  const auto nodes =
      bed.w.data() / "links" / bed.sql("select left(id::text, 8) from database_identity") / "nodes";
  const auto before = a.peak_memory_mib();
  std::vector<unique_fd> plain;
  for (int i = 0; i < 8; ++i) {
    plain.push_back(connect_to(port));
    ASSERT_GT(::send(plain.back().get(), frame.data(), frame.size(), MSG_NOSIGNAL), 0);
  }
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(visit_by_tls(port, {}, {}, frame).stays) << "without a certificate";
    EXPECT_FALSE(visit_by_tls(port, nodes / "b.pem", nodes / "b.key", frame).stays)
        << "not even a node may announce so much";
  }
  const auto start = std::chrono::steady_clock::now();
  for (const auto& fd : plain) EXPECT_TRUE(eventually([&] { return is_dropped(fd); }));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{50}) << "5 s are meant";
  EXPECT_LT(a.peak_memory_mib() - before, most_mib);
  for (const auto* name : {"a", "b"})
    EXPECT_THAT(bed.node(name).process->err(), Not(HasSubstr("is lost")));
  EXPECT_EQ(a.get("/livez").status, 200);
}

TEST_F(links_test, a_node_at_the_address_of_another_is_not_linked) {
  issue({"a", "b", "c"}, certs);
  const tls_listener impostor{certs / "c.pem", certs / "c.key"};
  cluster_bed bed{with_tls(certs, {.names = {"a"}})};
  auto& a = bed.start("a");
  const auto heart = beat_as_b(bed, impostor.port());
  impostor.welcome_next();
  EXPECT_TRUE(a.process->says(
      "no link with node b: the certificate shown there is of `c`, not of node `b`"))
      << a.process->err();
  EXPECT_EQ(a.process->err().find("linked with"), std::string::npos);
}

TEST_F(links_test, beyond_loopback_there_is_no_link_without_certificates) {
  cluster_bed bed{{.names = {"a"}}};
  const auto url = bed.w.path() / "afar.toml";
  write_text(url,
             "[database]\nurl = \"postgresql://127.0.0.1:1/none\"\n[[node]]\nname = \"z\"\nhost = "
             "\"10.1.2.3\"\nport = 4700\n");
  const auto refused = bed.w.run({"node", "--config", url.native()});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("mutual TLS"));
  write_text(url, "[database]\nurl = \"postgresql://127.0.0.1:1/none\"\n");
  const auto newcomer =
      bed.w.run({"node", "--config", url.native(), "--name", "z", "--listen", "10.1.2.3:4700"});
  EXPECT_EQ(newcomer.exit_code, 2);
  EXPECT_THAT(newcomer.err, HasSubstr("mutual TLS"));
}

// Silence ends after the time for a handshake, garbage and plain TCP at once.
TEST_F(links_test, who_does_not_belong_at_the_port_is_dropped_and_does_no_harm) {
  issue({"a", "b"}, certs);
  constexpr int documents = 60;
  cluster_bed bed{with_tls(certs, {.documents = documents, .names = {"a", "b"}})};
  bed.start("a");
  bed.submit("a");
  const auto port = bed.ports.at("a");
  std::vector<unique_fd> silent;
  for (int i = 0; i < 3; ++i) silent.push_back(connect_to(port));
  // The first bytes of a TLS record, and never the rest.
  const auto half = connect_to(port);
  constexpr std::string_view begun{"\x16\x03\x01\x02", 4};
  ASSERT_EQ(::send(half.get(), begun.data(), begun.size(), MSG_NOSIGNAL), 4);
  bed.start("b");
  const auto garbage = connect_to(port);
  const std::string noise = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_EQ(::send(garbage.get(), noise.data(), noise.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(noise.size()));
  EXPECT_TRUE(eventually([&] { return is_dropped(garbage); })) << "garbage";
  for (const auto& fd : silent)
    EXPECT_TRUE(eventually([&] { return is_dropped(fd); })) << "silence";
  EXPECT_TRUE(eventually([&] { return is_dropped(half); })) << "half a handshake";
  ASSERT_TRUE(bed.linked({"a", "b"}));
  ASSERT_TRUE(bed.ended());
  const auto pid = static_cast<pid_t>(bed.number("select pid from nodes where name = 'a'"));
  const auto before = cpu_seconds(pid);
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(eventually(
      [&] { return std::chrono::steady_clock::now() - start > std::chrono::seconds{2}; }));
  EXPECT_LT(cpu_seconds(pid) - before, 1.0) << "nothing spins";
  bed.stop_all();
  bed.expect_end({documents});
}

TEST_F(links_test, a_node_of_another_ca_or_without_certificates_of_its_own_is_kept_out) {
  issue({"a"}, certs);
  cluster_bed bed{with_tls(certs, {.names = {"a"}})};
  auto& a = bed.start("a");
  // The same database, the same cluster's name, a CA of its own.
  issue({"b"}, folder.path() / "other");
  const auto other = folder.path() / "other";
  auto text = read_text(bed.config);
  const auto with = [&](const std::string& name, const std::string& from, const std::string& to) {
    auto changed = text;
    for (auto at = changed.find(from); at != std::string::npos;
         at = changed.find(from, at + to.size()))
      changed.replace(at, from.size(), to);
    const auto file = bed.w.path() / name;
    write_text(file, changed);
    return file.native();
  };
  const auto strange =
      bed.w.start({"node", "--config", with("strange.toml", certs.native(), other.native()),
                   "--name", "b", "--listen", "127.0.0.1:" + std::to_string(free_port())});
  EXPECT_TRUE(strange->says("no link with node a: the handshake failed")) << strange->err();
  const auto plain =
      bed.w.start({"node", "--config", with("plain.toml", "tls.", "# tls."), "--name", "c",
                   "--listen", "127.0.0.1:" + std::to_string(free_port())});
  EXPECT_TRUE(plain->says("no link with node a: the handshake failed")) << plain->err();
  EXPECT_EQ(a.process->err().find("linked with"), std::string::npos);
  EXPECT_EQ(a.get("/livez").status, 200);
}

TEST_F(links_test, a_node_of_another_machine_does_not_run_here) {
  issue({"a", "afar"}, certs);
  cluster_bed bed{with_tls(certs, {.names = {"a"}, .by_url = true})};
  write_text(bed.config, read_text(bed.config) +
                             "[[node]]\nname = \"afar\"\nhost = \"192.0.2.7\"\nport = 4700\n");
  const auto all = bed.w.start({"up", "--config", bed.config});
  EXPECT_TRUE(all->says("192.0.2.7 is not an address of this machine; start node afar there"))
      << all->err();
  EXPECT_TRUE(all->says("node a is ready")) << all->err();
  const auto alone = bed.refused({"--name", "afar"});
  EXPECT_EQ(alone.exit_code, 1);
  EXPECT_THAT(alone.err,
              HasSubstr("192.0.2.7:4700 for the links between nodes: that is not an address "
                        "of this machine"));
  EXPECT_EQ(bed.number("select count(*) from nodes where name = 'afar'"), 0) << "it did not join";
  all->signal(SIGINT);
  EXPECT_EQ(all->wait().exit_code, 0);
}

TEST_F(links_test, a_visitor_without_a_certificate_of_the_ca_hears_nothing) {
  issue({"a", "b"}, certs);
  issue({"b"}, folder.path() / "other");
  cluster_bed bed{with_tls(certs, {.names = {"a"}})};
  bed.start("a");
  const auto port = bed.ports.at("a");
  EXPECT_TRUE(visit_by_tls(port, certs / "b.pem", certs / "b.key").heard_a_word)
      << "a node speaks first to one that it lets in";
  EXPECT_FALSE(visit_by_tls(port).heard_a_word);
  const auto other = folder.path() / "other";
  EXPECT_FALSE(visit_by_tls(port, other / "b.pem", other / "b.key").heard_a_word);
}

TEST_F(links_test, nobody_at_a_nodes_address_is_trusted_without_a_certificate_of_the_ca) {
  issue({"a", "b"}, certs);
  issue({"b"}, folder.path() / "other");
  for (const auto& [where, trusted] :
       std::map<std::filesystem::path, bool>{{certs, true}, {folder.path() / "other", false}}) {
    const tls_listener impostor{where / "b.pem", where / "b.key"};
    cluster_bed bed{with_tls(certs, {.names = {"a"}})};
    auto& a = bed.start("a");
    const auto heart = beat_as_b(bed, impostor.port());
    EXPECT_EQ(impostor.is_trusted(), trusted) << where;
    if (!trusted) {
      EXPECT_TRUE(a.process->says("no link with node b: the handshake failed"));
    }
    EXPECT_EQ(a.process->err().find("linked with"), std::string::npos);
  }
}

TEST_F(links_test, certificates_are_replaced_while_nodes_run) {
  issue({"a", "b"}, certs);
  cluster_bed bed{with_tls(certs, {.names = {"a", "b"}})};
  bed.start("a");
  const auto shown_days = [&] {
    return visit_by_tls(bed.ports.at("a")).remains / std::chrono::days{1};
  };
  EXPECT_EQ(shown_days(), 29);
  const auto says = [&](const std::string& days) {
    return bed.node("a").get("/readyz?verbose").body.find("ends in " + days + " days") !=
           std::string::npos;
  };
  const auto renewed = folder.path() / "renewed";
  std::filesystem::copy(certs, renewed, std::filesystem::copy_options::recursive);
  const auto ca = certificate_authority::open(renewed, "test");
  ASSERT_TRUE(ca->issue("a", 300));
  write_text(certs / "a.pem", read_text(renewed / "a.pem"));  // and its key has not come yet
  ASSERT_TRUE(eventually([&] {
    return bed.node("a").process->err().find("keep the former certificate") != std::string::npos;
  })) << bed.node("a").process->err();
  EXPECT_EQ(shown_days(), 29);
  EXPECT_TRUE(says("29")) << "what links use, not what lies there";
  write_text(certs / "a.key", read_text(renewed / "a.key"));
  EXPECT_TRUE(eventually([&] { return shown_days() == 299; }));
  EXPECT_TRUE(says("299"));
  bed.start("b");
  EXPECT_TRUE(bed.linked({"a", "b"}));
}

}  // namespace
}  // namespace millrace
