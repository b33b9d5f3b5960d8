// What may happen to the database of a node in the middle of its work: it is stopped and started
// again, its connections are cut, its disk is full.
#include <csignal>
#include <fstream>

#include "tests/faults/fault_bed.hpp"
#include "tests/integration/live_node.hpp"

namespace millrace {
namespace {

constexpr int documents = 300;

TEST(database_faults, one_stopped_in_immediate_mode_and_started_again_loses_nothing) {
  fault_bed bed{documents, std::chrono::milliseconds{20}};
  bed.configure(4);
  bed.open_database();
  const auto node = bed.start_run();
  bed.server.set_latency(std::chrono::milliseconds{500});  // until somebody watches
  ASSERT_TRUE(bed.works(*node, 1)) << node->err();
  const auto watching = bed.w.start({"watch", "d"});
  ASSERT_TRUE(watching->says(" done")) << watching->err();
  bed.server.set_latency(std::chrono::milliseconds{20});
  for (int time = 0; time < 3; ++time) {
    ASSERT_TRUE(bed.works(*node, 30)) << node->err();
    ::kill(bed.postmaster(), SIGQUIT);
    ASSERT_TRUE(eventually([&] { return bed.postmaster() == 0; }));
    bed.close_database();
    if (time == 0) {
      EXPECT_TRUE(watching->says("millrace: ")) << "it says what it waits for";
    }
    bed.open_database();
  }
  const auto ended = node->wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  const auto watched = watching->wait();
  EXPECT_EQ(watched.exit_code, 0) << watched.err;
  bed.expect_end({documents});
}

/// A trigger fails the group in its middle, as PostgreSQL would: a deadlock's victim, a
/// serialization failure, no memory, a server that shuts down, a session that is ended.
TEST(database_faults, a_commit_that_fails_for_the_databases_sake_costs_no_document_anything) {
  fault_bed bed{documents, std::chrono::milliseconds{5}};
  bed.configure(32);
  ASSERT_EQ(bed.w.run({"db", "migrate"}).exit_code, 0);
  bed.open_database();
  bed.sql(
      "create sequence times; create function fail() returns trigger language plpgsql as $$ "
      "declare n bigint = nextval('times'); begin "
      "if n = 5 then raise exception 'deadlock detected' using errcode = '40P01'; end if; "
      "if n = 60 then raise exception 'no serial order' using errcode = '40001'; end if; "
      "if n = 120 then raise exception 'out of memory' using errcode = '53200'; end if; "
      "if n = 180 then raise exception 'shutting down' using errcode = '57P01'; end if; "
      "if n = 240 then perform pg_terminate_backend(pg_backend_pid()); end if; "
      "return new; end $$; select 1");
  bed.sql(
      "create trigger fail before insert on chunks for each row execute function fail(); select 1");
  const auto ended = bed.start_run()->wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_GE(bed.number("select last_value from times"), documents + 5) << "groups were repeated";
  EXPECT_EQ(bed.number("select max(attempts) from documents"), 1) << "no failure and no loss";
  EXPECT_EQ(bed.server.count().inputs, static_cast<std::uint64_t>(documents))
      << "no chunk is embedded twice";
  bed.expect_end({documents});
}

TEST(database_faults, an_embedded_one_that_is_killed_is_started_again_by_its_node) {
  fault_bed bed{documents, std::chrono::milliseconds{20}};
  bed.configure(4);
  const auto node = bed.start_run();
  for (int time = 0; time < 2; ++time) {
    ASSERT_TRUE(bed.works(*node, 30)) << node->err();
    const auto server = bed.postmaster();
    ASSERT_GT(server, 0);
    ASSERT_EQ(::kill(server, SIGKILL), 0);
    ASSERT_TRUE(eventually([&] {
      const auto now = bed.postmaster();  // once: it may end between two looks
      return now > 0 && now != server;
    })) << node->err();
  }
  const auto ended = node->wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  bed.open_database();
  bed.expect_end({documents});
}

TEST(database_faults, an_embedded_one_that_is_killed_while_a_run_starts_is_started_again) {
  fault_bed bed{2, std::chrono::milliseconds{1}};
  bed.configure(2);
  ASSERT_EQ(bed.w.run({"db", "migrate"}).exit_code, 0);
  for (int time = 0; time < 8; ++time) {
    const auto run = bed.w.start({"run", "--config", bed.config, "--dataset",
                                  "d" + std::to_string(time), bed.w.documents()});
    ASSERT_TRUE(eventually([&] { return bed.postmaster() > 0; })) << run->err();
    const auto end = std::chrono::steady_clock::now() + time * std::chrono::milliseconds{50};
    eventually([&] { return std::chrono::steady_clock::now() >= end; });
    if (const auto server = bed.postmaster(); server > 0) ::kill(server, SIGKILL);
    const auto ended = run->wait();
    EXPECT_EQ(ended.exit_code, 0) << "killed after " << time * 50 << " ms: " << ended.err;
  }
}

// Nothing that a node acknowledges would be there for the next one.
TEST(database_faults, one_whose_directory_is_removed_ends_its_node_at_once) {
  workspace w;
  ASSERT_EQ(w.run({"db", "migrate"}).exit_code, 0);
  live_node node{w, "a", ""};
  std::filesystem::remove_all(w.data());
  const auto ended = node.process->wait();
  EXPECT_EQ(ended.exit_code, 1) << ended.err;
  EXPECT_NE(ended.err.find("node a stops: the data directory " + w.data().native()),
            std::string::npos)
      << ended.err;
}

TEST(database_faults, connections_that_are_cut_again_and_again_lose_nothing) {
  fault_bed bed{documents, std::chrono::milliseconds{20}};
  bed.configure(4);
  bed.open_database();
  const auto node = bed.start_run();
  std::int64_t cut = 0;
  for (int time = 0; time < 12; ++time) {
    ASSERT_TRUE(bed.works(*node, 15)) << node->err();
    cut += bed.number(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where backend_type = "
        "'client backend' and application_name like 'millrace%'");
  }
  EXPECT_GE(cut, 12);
  const auto ended = node->wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  bed.expect_end({documents});
}

/// A file that takes all the space that is left, until it goes.
class ballast {
 public:
  explicit ballast(std::filesystem::path file) : file_{std::move(file)} {
    std::ofstream out{file_, std::ios::binary};
    const std::string block(1 << 16, 'x');
    while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  ~ballast() { std::filesystem::remove(file_); }
  ballast(const ballast&) = delete;
  ballast& operator=(const ballast&) = delete;

 private:
  std::filesystem::path file_;
};

TEST(database_faults, a_disk_that_is_full_for_a_while_loses_nothing) {
  fault_bed bed{documents, std::chrono::milliseconds{20}};
  ASSERT_TRUE(bed.mount_small_disk("256m")) << "needs root";
  bed.configure(4, "[storage]\nmin_free = \"1MiB\"\n");
  const auto node = bed.start_run();
  ASSERT_TRUE(bed.works(*node, 60)) << node->err();
  {
    const ballast all{bed.w.data() / "ballast"};
    EXPECT_TRUE(node->says("storage.min_free")) << "the user is not told: " << node->err();
  }
  const auto ended = node->wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  bed.open_database();
  bed.expect_end({documents});
}

}  // namespace
}  // namespace millrace
