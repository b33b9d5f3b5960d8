// Every kind of process that uses an embedded database, killed: the server ends soon after its last
// holder, and never under one that lives.
#include <algorithm>
#include <csignal>

#include "runtime/database/embedded/holder_watch.hpp"
#include "runtime/database/embedded/process.hpp"
#include "runtime/database/embedded/socket_directory.hpp"
#include "runtime/database/sql.hpp"
#include "tests/faults/fault_bed.hpp"
#include "tests/faults/leftovers.hpp"
#include "tests/integration/live_node.hpp"

namespace millrace {
namespace {

using clock = std::chrono::steady_clock;
using words = std::vector<std::string>;

/// What is promised of a server without holders.
constexpr std::chrono::seconds promise{30};
constexpr auto looks = 3 * postgres::holder_watch_interval;

void wait_until(clock::time_point end) {
  eventually([&] { return clock::now() >= end; });
}

pid_t server_of(const workspace& w) {
  return server_runs(w.data()) ? std::atoi(read_text(w.data() / "postgres/postmaster.pid").c_str())
                               : 0;
}

/// A corner with a database, and a process that holds it.
struct corner {
  std::string kind;
  workspace w = {};
  std::unique_ptr<program> holder = {};
  std::unique_ptr<sql::connection> blocker = {};  ///< What the holder waits for.
  pid_t server = 0;
};

constexpr auto waiting_sql = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'";
constexpr auto block_sql = R"sql(
  begin;
  lock table datasets, dataset_progress, credit_accounts, nodes, queue_ready
    in access exclusive mode)sql";

/// Starts a command that asks the database, and then waits for a lock for as long as it lives.
void start_blocked(corner& c, const words& command) {
  c.w.environment["MILLRACE_DATABASE__LOCK_TIMEOUT"] = "10m";
  c.w.environment["MILLRACE_DATABASE__STATEMENT_TIMEOUT"] = "10m";
  const auto server = embedded_server::open({.directory = c.w.data(), .fsync = false});
  ASSERT_TRUE(server) << server.error().message;
  c.blocker = std::make_unique<sql::connection>((*server)->connection_string());
  sql::nontransaction{*c.blocker}.exec(block_sql);
  sql::connection watching{(*server)->connection_string()};
  c.holder = c.w.start(command);
  EXPECT_TRUE(eventually([&] {
    return sql::nontransaction{watching}.exec(waiting_sql).one_row()[0].as<int>() > 0;
  })) << c.kind
      << ": " << c.holder->err();
}

void start_node(corner& c, const words& command) {
  const auto config = c.w.add_config(
      "[database]\nurl = \"embedded:\"\n[api]\nlisten = \"127.0.0.1:0\"\n[[node]]\nname = \"a\"\n"
      "host = \"127.0.0.1\"\nport = 0\nroles = [\"all\"]\n");
  auto all = command;
  all.insert(all.end(), {"--config", config});
  c.holder = c.w.start(all);
  EXPECT_TRUE(c.holder->says("is ready")) << c.kind << ": " << c.holder->err();
}

void start_run(corner& c, const fake_embedding_server& embedder) {
  c.w.add_documents(1);
  const auto before = embedder.count().requests;
  c.holder = c.w.start({"run", "--config", c.w.add_config(remote_config(embedder.base_url(), 1)),
                        "--dataset", "d", c.w.documents()});
  EXPECT_TRUE(eventually([&] { return embedder.count().requests > before; })) << c.holder->err();
}

void start_psql(corner& c) {
  c.holder = c.w.start({"db", "psql", "--", "-c", "select pg_sleep(600)"});
  EXPECT_TRUE(eventually([&] { return !processes_in(c.w.data()).empty() && server_of(c.w) > 0; }));
  EXPECT_TRUE(eventually([&] {  // the session of psql is there
    for (const auto pid : processes_in(c.w.data()))
      if (read_text("/proc/" + std::to_string(pid) + "/cmdline").find("SELECT") !=
          std::string::npos)
        return true;
    return false;
  }));
}

class holders : public ::testing::Test {
 protected:
  static fake_embedding_config slow() {
    fake_embedding_config config;
    config.latency = std::chrono::hours{1};
    return config;
  }
  void SetUp() override { ASSERT_EQ(made_.run({"db", "migrate"}).exit_code, 0); }

  std::unique_ptr<corner> add(const std::string& kind) const {
    auto c = std::make_unique<corner>();
    c->kind = kind;
    make_directory(*c);
    return c;
  }
  void make_directory(const corner& c) const {
    const auto copied =
        c.w.shell("cp -a '" + made_.data().native() + "' '" + c.w.data().native() + "'");
    EXPECT_EQ(copied.exit_code, 0) << copied.err;
  }
  static void expect_end(const corner& c) {
    EXPECT_TRUE(eventually([&] { return !server_runs(c.w.data()); }, promise)) << c.kind;
    EXPECT_TRUE(eventually([&] { return holder_watch_of(c.w.data()) == 0; })) << c.kind;
  }

  /// Kills the last holder and at once gives its directory's path to another directory, with a
  /// server and a holder of its own.
  void expect_former_ends_alone(const std::function<void(const corner&)>& displace) const {
    const auto c = add("node");
    start_node(*c, {"node"});
    const auto former = process_at(server_of(c->w));
    const auto watch = process_at(holder_watch_of(c->w.data()));
    auto memory = memory_of(server_of(c->w));
    const auto former_sockets = sockets_of(*c);
    c->holder->signal(SIGKILL);
    c->holder->wait();
    displace(*c);
    make_directory(*c);
    start_node(*c, {"node"});
    const auto server = server_of(c->w);
    const auto sockets = sockets_of(*c);
    memory.merge(memory_of(server));
    EXPECT_GE(memory.size(), 4U) << "a segment and a file of each server";
    EXPECT_NE(sockets, former_sockets);
    EXPECT_TRUE(former.ended_within(promise));
    EXPECT_TRUE(watch.ended_within(promise));
    EXPECT_FALSE(std::filesystem::exists(former_sockets));
    wait_until(clock::now() + looks);
    EXPECT_TRUE(c->holder->running()) << c->holder->err();
    EXPECT_EQ(server_of(c->w), server) << "no other was started";
    EXPECT_EQ(c->w.run({"status"}).exit_code, 0);
    c->holder->signal(SIGKILL);
    c->holder->wait();
    expect_end(*c);
    EXPECT_FALSE(std::filesystem::exists(sockets));
    // Of these two servers: other tests kill theirs at the same time.
    EXPECT_TRUE(eventually([&] {
      const auto left = memory_without_owner();
      return std::none_of(memory.begin(), memory.end(),
                          [&](const auto& name) { return left.contains(name); });
    })) << ::testing::PrintToString(memory_without_owner());
  }
  static postgres::process_handle process_at(pid_t pid) {
    return postgres::process_handle::of(pid).value().value();
  }
  static std::filesystem::path sockets_of(const corner& c) {
    return postgres::socket_directory_in_use({.root = c.w.data(), .owner = {}}).value().value();
  }

  workspace made_;
  fake_embedding_server embedder_{slow()};
};

TEST_F(holders, a_server_lives_as_long_as_its_last_holder_of_whatever_kind_and_then_ends) {
  const std::vector<words> blocked = {
      {"status"},
      {"search", "d", "mill"},
      {"credits", "balance"},
      {"credits", "grant", "default", "5"},
      {"top", "--once"},
      {"db", "monitor"},
      {"db", "backup", (made_.path() / "backup").native()},
  };
  std::vector<std::unique_ptr<corner>> corners;
  corners.push_back(add("run"));
  start_run(*corners.back(), embedder_);
  corners.push_back(add("node"));
  start_node(*corners.back(), {"node"});
  corners.push_back(add("up"));
  start_node(*corners.back(), {"up"});
  corners.push_back(add("db psql"));
  start_psql(*corners.back());
  for (const auto& command : blocked) {
    corners.push_back(add(command.back() == "5" ? "credits grant" : command.front()));
    start_blocked(*corners.back(), command);
  }
  for (const auto& c : corners) {
    c->server = server_of(c->w);
    EXPECT_GT(c->server, 0) << c->kind;
    EXPECT_GT(holder_watch_of(c->w.data()), 0) << c->kind;
  }
  wait_until(clock::now() + looks);
  for (const auto& c : corners) {
    EXPECT_TRUE(c->holder->running()) << c->kind << ": " << c->holder->err();
    EXPECT_EQ(server_of(c->w), c->server) << c->kind;
    c->holder->signal(SIGKILL);
    c->holder->wait();
  }
  for (const auto& c : corners) expect_end(*c);
  for (const auto& c : corners) EXPECT_EQ(c->w.run({"db", "status"}).exit_code, 0) << c->kind;
}

TEST_F(holders, one_of_two_that_is_killed_takes_nothing_from_the_other) {
  const auto c = add("node");
  start_node(*c, {"node"});
  const auto server = server_of(c->w);
  const auto other = c->w.start({"db", "psql", "--", "-c", "select pg_sleep(600)"});
  c->holder->signal(SIGKILL);
  c->holder->wait();
  wait_until(clock::now() + looks);
  EXPECT_TRUE(other->running()) << other->err();
  EXPECT_EQ(server_of(c->w), server);
  other->signal(SIGKILL);
  other->wait();
  expect_end(*c);
}

// The watch looks every 2 s; the others come before, while and after it stops the server.
TEST_F(holders, whoever_comes_while_the_server_ends_finds_one) {
  const auto c = add("db psql");
  for (int time = 0; time < 6; ++time) {
    start_psql(*c);
    const auto watch = holder_watch_of(c->w.data());
    EXPECT_GT(watch, 0);
    c->holder->signal(SIGKILL);
    c->holder->wait();
    wait_until(clock::now() + time * postgres::holder_watch_interval / 5);
    const auto next = c->w.run({"db", "status"});
    EXPECT_EQ(next.exit_code, 0) << next.err;
  }
  expect_end(*c);
}

TEST_F(holders, a_watch_that_was_killed_is_replaced_by_who_joins_next) {
  const auto c = add("node");
  start_node(*c, {"node"});
  const auto watch = holder_watch_of(c->w.data());
  ASSERT_GT(watch, 0);
  ASSERT_EQ(::kill(watch, SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return holder_watch_of(c->w.data()) == 0; }));
  EXPECT_EQ(c->w.run({"db", "status"}).exit_code, 0);
  EXPECT_TRUE(eventually([&] { return holder_watch_of(c->w.data()) > 0; }));
  c->holder->signal(SIGKILL);
  c->holder->wait();
  expect_end(*c);
}

TEST_F(holders, a_watch_that_was_killed_is_replaced_by_its_node) {
  const auto c = add("node");
  start_node(*c, {"node"});
  for (int time = 0; time < 2; ++time) {
    const auto watch = holder_watch_of(c->w.data());
    ASSERT_GT(watch, 0);
    ASSERT_EQ(::kill(watch, SIGKILL), 0);
    EXPECT_TRUE(eventually([&] {
      const auto now = holder_watch_of(c->w.data());
      return now > 0 && now != watch;
    }));
  }
  EXPECT_TRUE(
      eventually([&] { return c->holder->err().find("another one runs") != std::string::npos; }));
  c->holder->signal(SIGKILL);
  c->holder->wait();
  expect_end(*c);
}

TEST_F(holders, the_server_of_a_moved_directory_ends_and_leaves_that_at_its_path_alone) {
  expect_former_ends_alone(
      [](const corner& c) { std::filesystem::rename(c.w.data(), c.w.path() / "moved"); });
}

TEST_F(holders, the_server_of_a_removed_directory_ends_and_leaves_that_at_its_path_alone) {
  expect_former_ends_alone([](const corner& c) {
    std::error_code problem;  // the server still makes files
    do std::filesystem::remove_all(c.w.data(), problem);
    while (problem);
  });
}

TEST_F(holders, a_stop_of_the_last_holder_ends_the_watch_too) {
  const auto c = add("node");
  start_node(*c, {"node"});
  c->holder->signal(SIGTERM);
  EXPECT_EQ(c->holder->wait().exit_code, 0);
  expect_end(*c);
}

}  // namespace
}  // namespace millrace
