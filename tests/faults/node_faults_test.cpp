// What may happen to a node: it is killed, stopped and continued, its clock jumps, a document kills
// its extractor.
//
//   MILLRACE_SEED   of the instants; default 1, printed on failure
//   MILLRACE_KILLS  how often the node is killed; default 20
#include <csignal>
#include <random>

#include "tests/faults/fault_bed.hpp"
#include "tests/integration/live_node.hpp"

namespace millrace {
namespace {

constexpr std::chrono::milliseconds longest_life{500};

/// Kills a run at a random instant: so long after its start, or after so much work. A run takes
/// some 150 ms until it works. True where it was still alive.
bool kill_somewhere(const fault_bed& bed, program& node, std::mt19937_64& random) {
  if (random() % 2 == 0) {
    bed.works(node, 1 + random() % 20);
  } else {
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::milliseconds{random() % longest_life.count()};
    eventually([&] { return std::chrono::steady_clock::now() >= end; });
  }
  const bool alive = node.running();
  node.signal(SIGKILL);
  node.wait();
  return alive;
}

TEST(node_faults, sigkills_at_random_instants_lose_and_double_nothing) {
  const auto seed = number_from_environment("MILLRACE_SEED", 1);
  const auto kills = number_from_environment("MILLRACE_KILLS", 20);
  SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
  std::mt19937_64 random{seed};
  const auto documents = static_cast<int>(40 + kills * 16);
  fault_bed bed{documents, std::chrono::milliseconds{20}};
  bed.configure(2);
  for (std::uint64_t kill = 1; kill <= kills; ++kill) {
    const auto node = bed.start_run();
    ASSERT_TRUE(kill_somewhere(bed, *node, random))
        << "over before kill " << kill << ": " << node->err();
    // Every fifth time the database with it.
    if (const auto server = bed.postmaster(); kill % 5 == 0 && server > 0) {
      ::kill(server, SIGKILL);
      ASSERT_TRUE(eventually([&] { return bed.postmaster() == 0; }));
    }
  }
  const auto last = bed.start_run()->wait();
  EXPECT_EQ(last.exit_code, 0) << last.err;
  bed.open_database();
  bed.expect_end({documents});
}

// Each life ends with a few documents in work and all the others claimed ahead.
TEST(node_faults, documents_that_only_waited_with_a_killed_holder_do_not_die_of_it) {
  constexpr int documents = 80;
  constexpr int kills = 12;
  constexpr int max_losses = 6;
  fault_bed bed{documents, std::chrono::milliseconds{100}};
  bed.configure(4, "[queue]\nmax_losses = " + std::to_string(max_losses) + "\n");
  bed.open_database();
  int kill = 0;
  for (; kill < kills; ++kill) {
    const auto ready = [&] {
      return bed.number("select count(*) from documents where status = 'ready'");
    };
    const auto before = kill == 0 ? 0 : ready();
    if (before == documents) break;  // this machine is slow, and lives were long
    const auto node = bed.start_run();
    ASSERT_TRUE(eventually([&] {
      return bed.sql("select to_regclass('dataset_progress')") != "" && ready() > before;
    })) << node->err();
    node->signal(SIGKILL);
    node->wait();
  }
  EXPECT_GT(kill, max_losses + 2) << "too few kills show nothing";
  const auto last = bed.start_run()->wait();
  EXPECT_EQ(last.exit_code, 0) << last.err;
  bed.expect_end({documents});
}

TEST(node_faults, one_killed_within_the_debounce_of_the_status_leaves_the_right_status) {
  fault_bed bed{60, std::chrono::milliseconds{20}};
  bed.configure(2, "[status]\ndebounce = \"1h\"\n");
  bed.open_database();
  const auto node = bed.start_run();
  ASSERT_TRUE(eventually([&] {
    return bed.requests() > 10 && bed.number("select sum(ready) from dataset_progress") >= 10;
  })) << node->err();
  EXPECT_EQ(bed.sql("select status, ready from datasets"), "processing|0|")
      << "the status is not to be written yet";
  node->signal(SIGKILL);
  node->wait();
  const auto last = bed.start_run()->wait();
  EXPECT_EQ(last.exit_code, 0) << last.err;
  bed.expect_end({60});
}

TEST(node_faults, a_survivor_takes_over_from_one_that_was_killed_and_one_that_was_stopped) {
  // 15 s without a heartbeat are a node's lease; 2 s more until its work is back.
  constexpr std::chrono::seconds takeover{17};
  constexpr int documents = 1'500;
  fault_bed bed{documents, std::chrono::milliseconds{50}};
  bed.open_database();
  const auto rest =
      "[documents]\nconcurrency = 4\n[embedder]\nprovider = \"openai\"\nmodel = \"m\"\n"
      "dimensions = 8\nmax_inputs = 1\napi_key_env = \"\"\nbase_url = \"" +
      bed.server.base_url() + "\"\n[credits]\ninitial_grant = 100000\n";
  const live_node killed{bed.w, "killed", rest};  // the first one leads
  const live_node stopped{bed.w, "stopped", rest};
  const live_node survivor{bed.w, "survivor", rest};
  const auto submitted = survivor.post(
      "/v1/datasets", R"({"name":"d","uris":["file://)" + bed.w.documents() + R"("]})");
  ASSERT_EQ(submitted.status, 201) << submitted.body;
  const auto held_by = [&](const std::string& names) {
    return bed.number("select count(*) from queue_leases where node in (" + names + ")");
  };
  ASSERT_TRUE(eventually(
      [&] { return bed.requests() > 100 && held_by("'killed'") > 4 && held_by("'stopped'") > 4; }));
  stopped.process->signal(SIGSTOP);
  killed.process->signal(SIGKILL);
  EXPECT_GT(held_by("'killed', 'stopped'"), 0);
  EXPECT_TRUE(eventually([&] { return held_by("'killed', 'stopped'") == 0; }, takeover))
      << bed.sql("select string_agg(node || ' ' || role, ', ') from leaders");
  EXPECT_TRUE(eventually([&] { return bed.sql("select status from datasets") == "ready"; }));
  bed.expect_end({documents});

  // What the stopped one still had in hand comes too late and changes nothing.
  const auto before =
      bed.sql("select max(commit_token), sum(attempts), max(finished_at) from documents");
  stopped.process->signal(SIGCONT);
  EXPECT_TRUE(eventually([&] {
    const auto metrics = stopped.get("/metrics").body;
    const auto at = metrics.find("\nmillrace_stale_tokens_total");
    return at != std::string::npos && std::atof(metrics.c_str() + metrics.find(' ', at)) > 0;
  })) << stopped.process->err();
  EXPECT_EQ(bed.sql("select max(commit_token), sum(attempts), max(finished_at) from documents"),
            before);
  EXPECT_EQ(stopped.get("/readyz").status, 200) << stopped.process->err();
  bed.expect_end({documents});
  for (const auto* node : {&stopped, &survivor}) {
    node->process->signal(SIGTERM);
    const auto ended = node->process->wait();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
  }
}

TEST(node_faults, a_document_that_kills_its_extractor_ends_alone_at_once_and_is_refunded_once) {
  fault_bed bed{99, std::chrono::milliseconds{1}};
  bed.w.add_document("poison.txt", "segfault 1\n");
  bed.w.environment["MILLRACE_EXTRACTOR"] = ROGUE_EXTRACTOR;
  bed.configure(4);
  bed.open_database();
  const auto ended = bed.start_run()->wait();
  EXPECT_EQ(ended.exit_code, 3) << ended.err;
  bed.expect_end({99, 1, 0});
  EXPECT_EQ(bed.sql("select error_code, attempts from documents where status = 'failed'"),
            "extraction_crashed|1|")
      << "all its tries are of one attempt";
  const auto behind =
      std::stod(bed.sql("select greatest(0, extract(epoch from "
                        "max(finished_at) filter (where status = 'failed') - "
                        "max(finished_at) filter (where status = 'ready'))) from documents"));
  std::cout << "the document that crashes ended " << behind << " s after the others\n";
  EXPECT_LT(behind, 5);
  EXPECT_EQ(bed.sql("select count(*) from credit_refunds"), "1");
}

TEST(node_faults, a_clock_that_jumps_by_an_hour_changes_nothing) {
  const std::string library = "/usr/lib/" MILLRACE_MULTIARCH "/faketime/libfaketimeMT.so.1";
  ASSERT_TRUE(std::filesystem::exists(library)) << "make setup installs faketime";
  // The reaper trusts heartbeats only when it has seen 15 s of the database: 40 documents a second.
  constexpr int documents = 1'000;
  fault_bed bed{documents, std::chrono::milliseconds{100}};
  bed.configure(4);
  bed.open_database();  // from here: on the true time
  const auto clock = (bed.w.path() / "clock").native();
  write_text(clock, "+0");
  bed.w.environment["LD_PRELOAD"] = library;
  bed.w.environment["ASAN_OPTIONS"] = "verify_asan_link_order=0";  // it wants to be loaded first
  bed.w.environment["FAKETIME_TIMESTAMP_FILE"] = clock;
  bed.w.environment["FAKETIME_NO_CACHE"] = "1";
  bed.w.environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1";
  const auto clock_of_programs = [&] {
    return std::stoll(program{{"/bin/date", "+%s"}, bed.w.environment}.wait().out);
  };
  const auto node = bed.start_run();
  ASSERT_TRUE(bed.works(*node, 60)) << node->err();
  write_text(clock, "+3600s");
  EXPECT_GT(clock_of_programs() - std::time(nullptr), 3'500) << "the clock does not jump";
  ASSERT_TRUE(bed.works(*node, 700)) << node->err();
  write_text(clock, "-3600s");
  EXPECT_LT(clock_of_programs() - std::time(nullptr), -3'500) << "the clock does not jump";
  const auto ended = node->wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  bed.expect_end({documents});
  EXPECT_EQ(bed.sql("select sum(attempts) from documents"), std::to_string(documents))
      << "no lease was taken away";
}

}  // namespace
}  // namespace millrace
