// Nodes that work together: they find each other, share what there is to do, and are told apart.
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "runtime/http/server.hpp"
#include "tests/cluster/cluster_bed.hpp"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(cluster, three_nodes_share_the_work_and_each_document_is_done_once) {
  constexpr int documents = 300;
  cluster_bed bed{{.documents = documents}};
  bed.start_all();
  ASSERT_TRUE(bed.linked({"a", "b", "c"}));
  bed.submit("b");
  ASSERT_TRUE(bed.ended());
  for (const auto* name : {"a", "b", "c"}) EXPECT_GE(bed.done_by(name), documents / 5) << name;
  bed.stop_all();
  bed.expect_end({documents});
}

TEST(cluster, any_node_shows_all_of_them) {
  cluster_bed bed{{}};
  bed.start_all();
  ASSERT_TRUE(bed.linked({"a", "b", "c"}));
  const auto actors = bed.node("b").json("/v1/actors?cluster=1");
  std::map<std::string, int> membership;
  for (const auto& actor : actors.GetArray())
    if (std::string_view{actor["role"].GetString()} == "membership")
      ++membership[actor["node"].GetString()];
  EXPECT_EQ(membership, (std::map<std::string, int>{{"a", 1}, {"b", 1}, {"c", 1}}));
  const auto nodes = bed.node("c").json("/v1/nodes");
  ASSERT_EQ(nodes.Size(), 3U);
  for (const auto& n : nodes.GetArray()) {
    EXPECT_STREQ(n["state"].GetString(), "running");
    EXPECT_EQ(n["address"].GetString(),
              "127.0.0.1:" + std::to_string(bed.ports.at(n["node"].GetString())));
  }
  const auto started_at = [&](const std::string& asked, const std::string& target) {
    const auto body = bed.node(asked).get(target).body;
    const auto at = body.find("\nprocess_start_time_seconds ");
    return at == std::string::npos ? std::string{} : body.substr(at, body.find('\n', at + 1) - at);
  };
  EXPECT_EQ(started_at("a", "/metrics?node=c"), started_at("c", "/metrics"));
  EXPECT_NE(started_at("a", "/metrics?node=c"), started_at("a", "/metrics"));
  for (const auto* name : {"a", "b", "c"}) {
    const auto shown = bed.w.run({"actors", "--cluster", "--endpoint", bed.node(name).url});
    EXPECT_EQ(shown.exit_code, 0) << shown.err;
    for (const auto* node : {"\na ", "\nb ", "\nc "})
      EXPECT_THAT(shown.out, HasSubstr(node)) << name;
    const auto listed = bed.w.run({"nodes", "--endpoint", bed.node(name).url});
    EXPECT_EQ(listed.exit_code, 0) << listed.err;
    for (const auto* node : {"a", "b", "c"})
      EXPECT_THAT(listed.out, HasSubstr("127.0.0.1:" + std::to_string(bed.ports.at(node))));
  }
  EXPECT_EQ(bed.node("a").get("/metrics?node=nobody").status, 404);
}

TEST(cluster, top_shows_every_node_and_says_which_is_lost) {
  cluster_bed bed{{}};
  bed.start_all();
  ASSERT_TRUE(bed.linked({"a", "b", "c"}));
  const auto states = [&] {
    const auto top = bed.w.json({"top", "--endpoint", bed.node("b").url});
    std::string all;
    for (const auto& n : top["nodes"].GetArray())
      all += n["node"].GetString() + std::string{n["answers"].GetBool() ? "" : "?"} + ":" +
             n["state"].GetString() + " ";
    return all;
  };
  EXPECT_EQ(states(), "a:running b:running c:running ");
  const auto top = bed.w.json({"top", "--endpoint", bed.node("c").url});
  EXPECT_STREQ(top["cluster"].GetString(), "test");
  std::set<std::string> with_documents;
  for (const auto& r : top["roles"].GetArray())
    if (std::string_view{r["role"].GetString()} == "document")
      with_documents.insert(r["node"].GetString());
  EXPECT_EQ(with_documents, (std::set<std::string>{"a", "b", "c"}));
  bed.kill("c");
  EXPECT_TRUE(eventually([&] { return states() == "a:running b:running c:lost "; })) << states();
}

// One node leads the ledger; the others pass orders on.
TEST(cluster, credits_move_through_every_node) {
  cluster_bed bed{{}};
  bed.start_all();
  ASSERT_TRUE(bed.linked({"a", "b", "c"}));
  ASSERT_TRUE(eventually([&] { return bed.leader("ledger") != ""; }));
  for (const auto* name : {"a", "b", "c"})
    EXPECT_TRUE(eventually([&] {
      return bed.node(name)
                 .post("/v1/credits/grant", R"({"account":"x","amount":5,"idempotency_key":")" +
                                                std::string{name} + R"("})")
                 .status == 200;
    })) << name;
  EXPECT_EQ(bed.sql("select balance from credit_accounts where name = 'x'"), "15");
  std::int64_t moved = 0;
  for (const auto* name : {"a", "b", "c"})
    moved +=
        bed.node(name)
            .get("/metrics")
            .body.find("millrace_ledger_transactions_total{type=\"grant\"}") != std::string::npos;
  EXPECT_EQ(moved, 1) << "one ledger";
}

TEST(cluster, a_newcomer_that_is_not_in_the_file_gets_work) {
  cluster_bed bed{{.documents = 2000, .latency = std::chrono::milliseconds{50}, .concurrency = 4}};
  bed.start("a");
  bed.submit("a");
  const auto start = std::chrono::steady_clock::now();
  bed.start("d", {"--listen", "127.0.0.1:" + std::to_string(free_port()), "--api", "127.0.0.1:0"});
  ASSERT_TRUE(eventually([&] { return bed.done_by("d") > 0; }));
  const auto waited = std::chrono::steady_clock::now() - start;
  RecordProperty("milliseconds", static_cast<int>(waited / std::chrono::milliseconds{1}));
  EXPECT_TRUE(eventually([&] {
    return bed.node("d").process->err().find("linked with node a") != std::string::npos;
  }));
  EXPECT_EQ(bed.node("d").get("/readyz").status, 200) << "--api";
}

// Each in a mount namespace of its own, where only the first one sees the documents.
TEST(cluster, files_of_one_node_are_read_by_all) {
  constexpr int documents = 300;
  cluster_bed bed{{.documents = documents, .shared = false}};
  const auto hidden = "mount -t tmpfs none '" + bed.w.documents() + "' && exec \"$@\"";
  const std::vector<std::string> blind{
      "/usr/bin/unshare", "--mount", "/bin/sh", "-c", hidden, "sh"};
  bed.start("a");
  bed.start("b", {}, blind);
  bed.start("c", {}, blind);
  ASSERT_TRUE(bed.linked({"a", "b", "c"}));
  bed.submit("a");
  ASSERT_TRUE(bed.ended());
  EXPECT_EQ(bed.number("select count(*) from documents where uri like 'file://a/%'"), documents);
  for (const auto* name : {"a", "b", "c"}) EXPECT_GE(bed.done_by(name), 50) << name;
  const auto fetched = [&](const char* name) {
    return bed.node(name).metric("millrace_fetched_bytes_total");
  };
  EXPECT_GT(fetched("b") + fetched("c"), 0);
  EXPECT_EQ(fetched("a"), 0);
  bed.stop_all();
  bed.expect_end({documents});
}

TEST(cluster, uploads_to_one_node_are_read_by_all) {
  constexpr int documents = 150;
  cluster_bed bed{{.documents = documents, .names = {"a", "b"}, .shared = false}};
  bed.start_all();
  ASSERT_TRUE(bed.linked({"a", "b"}));
  const auto sent = bed.w.run(
      {"submit", "--upload", "--dataset", "d", "--endpoint", bed.node("a").url, bed.w.documents()});
  ASSERT_EQ(sent.exit_code, 0) << sent.err;
  ASSERT_TRUE(bed.ended());
  EXPECT_EQ(bed.number("select count(*) from documents where uri like 'file://a/%/uploads/%'"),
            documents);
  for (const auto* name : {"a", "b"}) EXPECT_GE(bed.done_by(name), documents / 5) << name;
  EXPECT_GT(bed.node("b").metric("millrace_fetched_bytes_total"), 0);
  bed.stop_all();
  bed.expect_end({documents});
}

TEST(cluster, documents_of_a_node_that_is_away_wait_for_it) {
  cluster_bed bed{{.documents = 40, .names = {"a", "b"}, .shared = false}};
  const auto hidden = "mount -t tmpfs none '" + bed.w.documents() + "' && exec \"$@\"";
  bed.start("b", {}, {"/usr/bin/unshare", "--mount", "/bin/sh", "-c", hidden, "sh"});
  bed.start("a");
  ASSERT_TRUE(bed.linked({"a", "b"}));
  // Paused, so that nothing is done before the node with the files is gone.
  bed.server.set_latency(std::chrono::seconds{10});
  bed.submit("a");
  bed.node("a").process->signal(SIGKILL);
  bed.node("a").process->wait();
  bed.server.set_latency(std::chrono::milliseconds{1});
  EXPECT_TRUE(eventually([&] {
    return bed.number("select count(*) from queue_ready where run_at > now()") > 0;
  })) << "put off";
  ASSERT_TRUE(eventually([&] { return bed.leases_of("a") == 0; })) << "lost once";
  const auto costs = [&] {
    return bed.sql(
        "select sum(q.failures), sum(q.losses), sum(d.attempts) from documents d join (select "
        "document_id, failures, losses from queue_ready union all select document_id, failures, "
        "losses from queue_leases) q on q.document_id = d.id where d.status <> 'ready'");
  };
  const auto before = costs();
  for (int round = 0; round < 2; ++round) {
    const auto latest = bed.sql("select max(run_at) from queue_ready");
    ASSERT_TRUE(eventually([&] {
      return bed.sql("select count(*) > 0 and min(run_at) > '" + latest + "' from queue_ready") ==
             "t";
    })) << "each was tried once more and put off again";
  }
  EXPECT_EQ(costs(), before) << "failures, losses, attempts";
  bed.start("a");
  EXPECT_TRUE(eventually(
      [&] { return bed.number("select count(*) from queue_ready where run_at > now()") == 0; },
      std::chrono::seconds{15}))
      << "none waits longer than its node is away";
  ASSERT_TRUE(bed.ended());
  EXPECT_EQ(bed.number("select count(*) from documents where status = 'failed'"), 0);
}

TEST(cluster, a_drained_node_passes_its_work_on_and_stays) {
  constexpr int documents = 300;
  cluster_bed bed{{.documents = documents,
                   .latency = std::chrono::milliseconds{100},
                   .rest = "[drain]\ntimeout = \"4s\"\n"}};
  bed.start_all();
  ASSERT_TRUE(bed.linked({"a", "b", "c"}));
  bed.submit("a");
  ASSERT_TRUE(eventually([&] { return bed.done_by("b") > 0; }));
  const auto drained =
      bed.w.run({"drain", "b", "--wait", "--json", "--endpoint", bed.node("a").url});
  EXPECT_EQ(drained.exit_code, 0) << drained.err;
  const auto report = parse_json(drained.out);
  EXPECT_STREQ(report["state"].GetString(), "drained");
  EXPECT_GT(number_at(report, "eligible"), 0);
  EXPECT_EQ(number_at(report, "in_flight"), 0);
  EXPECT_LE(number_at(report, "released"), number_at(report, "eligible"));
  EXPECT_EQ(number_at(report, "failed"), 0);
  const auto again = bed.w.run({"drain", "b", "--wait", "--endpoint", bed.node("a").url});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("b: drained"));
  EXPECT_EQ(bed.leases_of("b"), 0);
  EXPECT_EQ(bed.number("select count(*) from leaders where node = 'b'"), 0);
  const auto done = bed.done_by("b");
  EXPECT_EQ(bed.sql("select state from nodes where name = 'b'"), "draining");
  ASSERT_TRUE(bed.ended());
  EXPECT_EQ(bed.done_by("b"), done);
  EXPECT_EQ(bed.number("select coalesce(sum(attempts), 0) from documents where attempts > 1"), 0)
      << "no attempt is spent";
  const auto drain = [&](const std::string& name) {
    return bed.w.run({"drain", name, "--endpoint", bed.node("a").url});
  };
  EXPECT_THAT(drain("nobody").err, HasSubstr("there is no node `nobody`"));
  bed.kill("c");
  bed.sql(
      "update nodes set heartbeat_at = now() - interval '1 minute' where name = 'c' returning 1");
  ASSERT_TRUE(eventually([&] { return drain("c").exit_code == 1; }));
  EXPECT_THAT(drain("c").err, HasSubstr("node `c` is lost"));
  const auto last = bed.w.run({"drain", "a", "--wait", "--endpoint", bed.node("a").url});
  EXPECT_EQ(last.exit_code, 0);
  EXPECT_THAT(last.err, HasSubstr("no other node runs: nothing is claimed"));
  bed.stop_all();
  bed.expect_end({documents});
}

TEST(cluster, up_runs_every_node_of_the_file_and_starts_again_what_dies) {
  constexpr int documents = 60;
  cluster_bed bed{{.documents = documents}};
  bed.close_database();  // `up` owns it
  const auto all = bed.w.start({"up", "--config", bed.config});
  for (const auto* name : {"a", "b", "c"})
    ASSERT_TRUE(all->says(std::string{name} + " | millrace: node " + name + " is ready"))
        << all->err();
  bed.open_database();
  const auto pid = bed.number("select pid from nodes where name = 'b'");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] {
    return bed.number("select pid from nodes where name = 'b'") != pid;
  })) << all->err();
  // Where it was b that commands found, another node takes its place within a moment.
  ASSERT_TRUE(eventually([&] {
    return bed.w.run({"submit", "--dataset", "d", "--config", bed.config, bed.w.documents()})
               .exit_code == 0;
  }));
  ASSERT_TRUE(bed.ended());
  all->signal(SIGINT);
  const auto outcome = all->wait();
  EXPECT_EQ(outcome.exit_code, 0) << "one that was killed came back: " << outcome.err;
  EXPECT_EQ(bed.number("select count(*) from nodes where state = 'stopped'"), 3);
  bed.expect_end({documents});
}

bool has_ended(std::int64_t pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("State:")) return line.find('Z') != std::string::npos;
  return true;
}

// Whichever node of a data directory goes, commands there find one that stays.
TEST(cluster, commands_in_a_data_directory_find_the_node_that_stays) {
  constexpr int documents = 4;
  cluster_bed bed{{.documents = documents, .names = {"a", "b"}}};
  bed.start_all();
  bed.kill("a");
  const std::vector<std::string> submit{"submit",   "--dataset", "d",
                                        "--config", bed.config,  bed.w.documents()};
  ASSERT_TRUE(eventually([&] { return bed.w.run(submit).exit_code == 0; }));
  ASSERT_TRUE(bed.ended());
  EXPECT_EQ(bed.done_by("b"), documents);
  EXPECT_THAT(bed.node("b").process->err(), HasSubstr("find this node now"));
}

TEST(cluster, up_ends_at_once_where_a_node_cannot_start) {
  cluster_bed bed{{.names = {"a", "b"}}};
  bed.close_database();
  const auto taken =
      http::server::start({.listen = "127.0.0.1:" + std::to_string(bed.ports.at("b"))},
                          [](const http::request&) { return http::response{}; });
  ASSERT_TRUE(taken) << taken.error().message;
  const auto refused = bed.w.run({"up", "--config", bed.config});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("Address already in use"));
  EXPECT_THAT(refused.err, HasSubstr("node b cannot start as it is"));
  EXPECT_EQ(refused.err.find("started again"), std::string::npos) << refused.err;
}

TEST(cluster, nodes_of_an_up_that_is_killed_drain_and_end_and_so_does_the_database) {
  constexpr int documents = 600;
  cluster_bed bed{{.documents = documents,
                   .latency = std::chrono::milliseconds{200},
                   .rest = "[drain]\ntimeout = \"4s\"\n"}};
  bed.close_database();  // `up` owns it
  const auto all = bed.w.start({"up", "--config", bed.config});
  for (const auto* name : {"a", "b", "c"})
    ASSERT_TRUE(all->says(std::string{name} + " | millrace: node " + name + " is ready"))
        << all->err();
  const auto submitted =
      bed.w.run({"submit", "--dataset", "d", "--config", bed.config, bed.w.documents()});
  ASSERT_EQ(submitted.exit_code, 0) << submitted.err;
  bed.open_database();
  for (const auto* name : {"a", "b", "c"})
    ASSERT_TRUE(eventually([&] { return bed.done_by(name) > 0; })) << name;
  std::vector<std::int64_t> pids;
  for (const auto* name : {"a", "b", "c"})
    pids.push_back(bed.number("select pid from nodes where name = '" + std::string{name} + "'"));
  bed.close_database();
  all->signal(SIGKILL);
  all->wait();
  for (const auto pid : pids) EXPECT_TRUE(eventually([&] { return has_ended(pid); })) << pid;
  EXPECT_TRUE(eventually([&] { return bed.postmaster() == 0; })) << "nobody is left that needs it";
  bed.open_database();
  EXPECT_EQ(bed.number("select count(*) from nodes where state = 'stopped'"), 3);
  EXPECT_EQ(bed.number("select count(*) from queue_leases"), 0);
  EXPECT_EQ(bed.number("select count(*) from documents where attempts > 1"), 0);
  EXPECT_EQ(bed.number("select count(*) from documents where status = 'failed'"), 0);
}

// What the table alone says: here no lock of a data directory stands in the way before.
TEST(cluster, a_live_row_of_the_same_name_at_another_address_is_a_rival_while_somebody_is_there) {
  cluster_bed bed{{.names = {"a"}}};
  bed.start("a");
  const auto row = [&](const std::string& name, int port) {
    bed.sql(
        "insert into nodes (name, incarnation, address, roles, state, version, pid, capacity, "
        "heartbeat_at) values ('" +
        name + "', 0, '127.0.0.1:" + std::to_string(port) +
        "', '{all}', 'running', '0', 1, 1, now() + interval '1 hour') returning 1");
  };
  row("taken", bed.ports.at("a"));  // somebody answers there
  const auto refused =
      bed.refused({"--name", "taken", "--listen", "127.0.0.1:" + std::to_string(free_port())});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err,
              HasSubstr("a node called `taken` runs at 127.0.0.1:" +
                        std::to_string(bed.ports.at("a")) + "; choose another --name"));
  row("gone", free_port());  // and there nobody does
  bed.start("gone", {"--listen", "127.0.0.1:" + std::to_string(free_port())});
  EXPECT_EQ(bed.sql("select incarnation > 0 from nodes where name = 'gone'"), "t");
}

TEST(cluster, a_node_that_beats_is_a_rival_although_it_cannot_be_reached) {
  cluster_bed bed{{.names = {"a"}}};
  bed.start("a");
  bed.sql(
      "insert into nodes (name, incarnation, address, roles, state, version, pid, capacity) values "
      "('far', 0, '127.0.0.1:" +
      std::to_string(free_port()) + "', '{all}', 'running', '0', 1, 1) returning 1");
  const std::jthread heart{[&](const std::stop_token& stopped) {
    while (!stopped.stop_requested())
      bed.sql("update nodes set heartbeat_at = clock_timestamp() where name = 'far' returning 1");
  }};
  const auto refused =
      bed.refused({"--name", "far", "--listen", "127.0.0.1:" + std::to_string(free_port())});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("which cannot be reached from here"));
  EXPECT_EQ(bed.number("select incarnation from nodes where name = 'far'"), 0);
}

TEST(cluster, a_second_signal_ends_a_node_that_waits_for_the_database) {
  cluster_bed bed{{.names = {"a"}}};
  auto& a = bed.start("a");
  {
    sql::connection connection{bed.database_url()};
    sql::work holds{connection};
    holds.exec("lock table nodes in access exclusive mode").no_rows();
    a.process->signal(SIGTERM);
    EXPECT_TRUE(eventually([&] {
      return bed.number(
                 "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and "
                 "query like '%set state = ''stopped''%'") == 1;
    })) << a.process->err();
    a.process->signal(SIGTERM);
    EXPECT_EQ(a.process->wait().exit_code, 130);
  }
  bed.start("a");
  bed.stop_all();
}

// Two that have pid 1 on one machine, as containers on the host's network have.
TEST(cluster, a_node_with_the_link_id_of_another_is_refused) {
  cluster_bed bed{{.names = {"a", "b"}, .by_url = true}};
  const std::vector<std::string> first_of_its_kind{"/usr/bin/unshare", "--pid", "--fork",
                                                   "--kill-child"};
  bed.start("a", {}, first_of_its_kind);
  EXPECT_EQ(bed.number("select pid from nodes where name = 'a'"), 1);
  auto words = first_of_its_kind;
  words.insert(words.end(), {millrace_binary(), "node", "--config", bed.config, "--name", "b"});
  const auto refused = bed.w.start_program(words)->wait();
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("node `a` has the same process and machine ids"));
  EXPECT_EQ(bed.number("select count(*) from nodes where name = 'b'"), 0) << "it did not join";
}

TEST(cluster, what_cannot_work_together_is_refused_in_a_sentence) {
  cluster_bed bed{{.names = {"a", "b"}}};
  bed.start("a");
  const auto at = [&](const std::string& name, int port) {
    return bed.refused({"--name", name, "--listen", "127.0.0.1:" + std::to_string(port)});
  };
  const auto same_name = bed.refused({"--name", "a"});
  EXPECT_EQ(same_name.exit_code, 1);
  EXPECT_THAT(same_name.err, HasSubstr("node `a` runs already"));
  const auto same_port = at("z", bed.ports.at("a"));
  EXPECT_EQ(same_port.exit_code, 1);
  EXPECT_THAT(same_port.err,
              HasSubstr("cannot listen on 127.0.0.1:" + std::to_string(bed.ports.at("a"))));
  const auto unknown = bed.refused({"--name", "bb"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("no node `bb`"), HasSubstr("--listen")));
  const auto afar = bed.refused({"--name", "z", "--listen", "10.1.2.3:4700"});
  EXPECT_EQ(afar.exit_code, 2);
  EXPECT_THAT(afar.err, HasSubstr("embedded database"));
  const auto other = bed.w.path() / "other.toml";
  write_text(other, "[cluster]\nname = \"other\"\n[api]\nlisten = \"\"\n");
  const auto stranger = bed.w.run({"node", "--config", other.native(), "--name", "z"});
  EXPECT_EQ(stranger.exit_code, 2);
  EXPECT_THAT(stranger.err, AllOf(HasSubstr("`test`"), HasSubstr("`other`")));
}

TEST(cluster, nodes_of_another_protocol_do_not_link_and_say_why) {
  cluster_bed bed{{.names = {"a"}}};
  const auto port = std::to_string(free_port());
  auto& a = bed.start("a");
  bed.sql(
      "insert into nodes (name, incarnation, address, roles, state, version, pid, capacity, "
      "protocol, heartbeat_at) values ('old', 0, '127.0.0.1:" +
      port + "', '{all}', 'running', '0.0.9', 1, 1, 999, now() + interval '1 hour') returning 1");
  EXPECT_TRUE(a.process->says(
      "no link with node old: it is of version 0.0.9 with protocol 999, this one of"));
}

}  // namespace
}  // namespace millrace
