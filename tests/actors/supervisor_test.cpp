// The whole engine on the deterministic scheduler with a real database: documents in, rows out,
// whatever dies in between.
#include "actors/supervisor.hpp"

#include <cstdlib>
#include <map>
#include <set>

#include "tests/actors/supervisor_fixture.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(supervisor_test, thirty_documents_go_through_the_whole_engine) {
  db.submit(30);
  start();
  finish(seconds{30});
  expect_all_ready(30);
  EXPECT_TRUE(fatal.empty());
  EXPECT_EQ(engine.directory->restarts(), 0U);
  EXPECT_EQ(engine.counters->documents_total("ready").Value(), 30);
  for (auto& p : engine.directory->list()) {
    EXPECT_EQ(p->rejected, 0U) << p->role;
    EXPECT_EQ(p->depth, 0) << p->role;
  }
  EXPECT_EQ(book->count().delivered + book->count().handed_over + book->count().buffered, 0U);
}

TEST_F(supervisor_test, documents_that_fail_are_counted_and_refunded) {
  extract = [](const extraction_request& request, const extraction_callback& done) {
    if (request.path.ends_with("3.txt"))
      return done(fail(ec::encrypted_document, "it wants a password"));
    done(text_document({"words"}));
  };
  db.submit(10);
  start();
  finish(seconds{30});
  EXPECT_EQ(db.query("select status from datasets"), "ready");
  EXPECT_EQ(db.number("select failed from datasets"), 1);
  EXPECT_EQ(db.query("select error_code from documents where status = 'failed'"),
            "encrypted_document");
  EXPECT_EQ(db.number("select balance from credit_accounts"),
            initial_grant - 9 * cost_per_document);
  EXPECT_EQ(db.leased(), 0);
}

/// Of every sort: with one chunk, with more than one slice of them, with many images, encrypted.
result<extracted_document> document_of_many_sorts(const std::string& path) {
  const auto number = std::stoul(path.substr(path.rfind('/') + 1));
  if (number % 10 == 3) return fail(ec::encrypted_document, "it wants a password");
  std::vector<std::string> paragraphs(number % 10 == 5 ? 400 : 1, "The words of " + path + ".");
  auto document = text_document(paragraphs);
  if (number % 10 == 7) add_pictures(document, 70);
  return document;
}

// MILLRACE_SEED: the first seed, default 1. MILLRACE_ROUNDS: how many, default 10.
TEST_F(supervisor_test, whatever_dies_every_document_is_committed_exactly_once) {
  const auto from_environment = [](const char* name, std::uint64_t otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
  };
  const auto first = from_environment("MILLRACE_SEED", 1);
  const auto rounds = from_environment("MILLRACE_ROUNDS", 10);
  constexpr std::int64_t documents = 30, failing = 3;
  config.chunking = {8, 0};
  // What the pool of extractors and the provider answer comes when the seed says so, and in any
  // order.
  random_source random;
  std::vector<std::function<void()>> answers;
  const auto answer_some = [&] {
    for (auto n = random() % (answers.size() + 1); n > 0; --n) {
      std::swap(answers[random() % answers.size()], answers.back());
      const auto next = std::move(answers.back());
      answers.pop_back();
      next();
    }
    while (!provider->calls.empty() && random() % 2 == 0) provider->answer();
  };
  provider->at_once = false;
  extract = [&](const extraction_request& request, const extraction_callback& done) {
    answers.emplace_back([path = request.path, done] { done(document_of_many_sorts(path)); });
  };
  for (std::uint64_t seed = first; seed < first + rounds; ++seed) {
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed) + " MILLRACE_ROUNDS=1");
    random.seed(seed);
    const auto dataset = std::to_string(db.submit(documents, "letters" + std::to_string(seed)));
    if (!supervisor) start();
    std::map<std::string, int> crashes;
    for (int i = 0; i < 40; ++i) {
      caf::anon_send(supervisor, wake_atom_v);
      engine.sched.advance_time(milliseconds{random() % 100});
      for (auto steps = random() % 40; steps > 0 && engine.step(&random); --steps) {
      }
      answer_some();
      if (const auto role = crash_one(random); !role.empty()) ++crashes[role];
    }
    std::string died;
    for (auto& [role, n] : crashes) died += role + " " + std::to_string(n) + ", ";
    SCOPED_TRACE(died);
    for (int i = 0; i < 1'000; ++i) {
      if (db.query("select status from datasets where id = " + dataset) != "processing") break;
      engine.advance(milliseconds{250}, milliseconds{50}, &random);
      answer_some();
    }
    const auto where = " where dataset_id = " + dataset;
    ASSERT_EQ(db.query("select status from datasets where id = " + dataset), "ready");
    EXPECT_EQ(db.query("select (count(*) filter (where status = 'ready'), count(*) filter (where "
                       "error_code = 'encrypted_document')) from documents" +
                       where),
              "(27,3)");
    EXPECT_EQ(db.number("select count(*) from documents d" + where +
                        " and (chunks <> (select count(*) from chunks c where c.document_id = "
                        "d.id) or images <> (select count(*) from images i where i.document_id = "
                        "d.id) or (status = 'ready') <> (chunks > 0))"),
              0);
    EXPECT_EQ(db.query("select (max(chunks) > 256, max(images)) from documents" + where), "(t,70)");
    EXPECT_EQ(db.query("select (sum(ready), sum(failed)) from dataset_progress" + where), "(27,3)");
    EXPECT_EQ(db.leased(), 0);
    EXPECT_EQ(db.ready(), 0);
    EXPECT_EQ(db.number("select balance from credit_accounts"),
              initial_grant - static_cast<std::int64_t>(seed - first + 1) * (documents - failing) *
                                  cost_per_document);
    const auto progress = engine.ask<drain_progress>(supervisor, progress_atom_v);
    ASSERT_TRUE(progress);
    EXPECT_EQ(progress->in_flight, 0U);  // or no drain would ever end
  }
  EXPECT_GT(engine.directory->restarts(), 3 * rounds);
  EXPECT_TRUE(fatal.empty());
  answers.clear();
  provider->calls.clear();
}

TEST_F(supervisor_test, a_dead_child_is_replaced_after_a_backoff) {
  start();
  engine.advance(seconds{1});
  EXPECT_EQ(count("document"), 6U);
  random_source random{1};
  db.submit(5);
  caf::anon_send(supervisor, wake_atom_v);
  std::string role;
  while (role.empty()) {
    engine.step(&random);
    if (engine.sched.jobs.empty()) engine.sched.advance_time(milliseconds{10});
    role = crash_one(random);
  }
  engine.run();
  const auto restarted = [&] {
    std::size_t n = 0;
    for (auto& p : engine.directory->list()) n += p->role == role && p->restarts == 1 ? 1 : 0;
    return n;
  };
  EXPECT_EQ(restarted(), 0U);  // not before its backoff is over
  engine.advance(seconds{1});
  EXPECT_EQ(restarted(), 1U) << role;
  EXPECT_EQ(engine.directory->restarts(), 1U);
  finish(seconds{30});
  expect_all_ready(5);
}

TEST_F(supervisor_test, too_many_deaths_are_told_to_the_node_once) {
  config.restart.intensity = 3;
  // A lease without a holder is not lost, but a document actor that throws dies each time.
  extract = [](const extraction_request&, const extraction_callback&) {
    throw std::runtime_error{"broken"};
  };
  db.submit(30);
  start();
  engine.advance(seconds{20}, milliseconds{50});
  ASSERT_EQ(fatal.size(), 1U);
  EXPECT_NE(fatal[0].find("die too often"), std::string::npos);
}

TEST_F(supervisor_test, the_puller_and_its_successor_know_whose_files_can_be_had) {
  db.submit(1);
  db.execute("update documents set uri = 'file://b/srv/' || id");  // there is no link to b
  start();
  engine.advance(seconds{1});
  const auto pause = [&] {
    return db.number(
        "select round(extract(epoch from run_at - clock_timestamp()) / 5) * 5 from queue_ready");
  };
  const auto try_again = [&](int after) {
    engine.advance(seconds{after}, milliseconds{500});
    db.execute("update queue_ready set run_at = clock_timestamp()");
    caf::anon_send(supervisor, wake_atom_v);
    engine.advance(seconds{1}, milliseconds{50});
  };
  EXPECT_EQ(pause(), 5);
  try_again(20);
  EXPECT_EQ(pause(), 25) << "away as long";
  node_offer offer;
  offer.node = "b";
  offer.files =
      engine.spawn<file_reader_actor_impl>("file_reader_of_b", std::shared_ptr<submitted_files>{});
  caf::anon_send(supervisor, peers_changed{{offer}});
  engine.advance(milliseconds{500}, milliseconds{50});
  EXPECT_EQ(pause(), 5) << "tried at once, and here";
  try_again(20);
  EXPECT_EQ(pause(), 5);
  kill_next("queue_puller");
  engine.advance(seconds{2});
  for (int i = 0; i < 2; ++i) {
    try_again(20);
    EXPECT_EQ(pause(), 5) << "of the successor";
  }
  EXPECT_EQ(engine.directory->restarts(), 1U);
}

TEST_F(supervisor_test, a_node_that_was_superseded_says_why) {
  start();
  engine.advance(seconds{1});
  ASSERT_TRUE(db.registry->join());  // a newer incarnation
  engine.advance(seconds{2});
  ASSERT_EQ(fatal.size(), 1U);
  EXPECT_FALSE(fatal[0].empty());
}

TEST_F(supervisor_test, a_drain_gives_back_what_was_not_delivered_and_ends) {
  std::vector<extraction_callback> running;
  extract = [&](const extraction_request&, extraction_callback done) {
    running.push_back(std::move(done));
  };
  db.submit(30);
  start();
  engine.advance(seconds{1});
  ASSERT_EQ(running.size(), 6U);
  const auto first = engine.ask<drain_progress>(supervisor, drain_atom_v);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->in_flight, 6U);
  EXPECT_EQ(db.query("select state from nodes"), "draining");
  running[0](text_document({"one finishes"}));
  engine.advance(seconds{1});
  EXPECT_EQ(engine.ask<drain_progress>(supervisor, progress_atom_v)->in_flight, 5U);
  caf::anon_send(supervisor, give_back_atom_v);  // the time is up
  engine.advance(seconds{1});
  EXPECT_EQ(engine.ask<drain_progress>(supervisor, progress_atom_v)->in_flight, 0U);
  EXPECT_EQ(db.leased(), 0);
  EXPECT_EQ(db.ready(), 29);
  EXPECT_EQ(db.number("select max(failures + losses) from queue_ready"), 0);
  EXPECT_EQ(running.size(), 6U);
}

TEST_F(supervisor_test, credits_are_moved_by_the_ledger_that_leads) {
  start();
  const auto order = grant_credits{{"default", 50, "a gift", "key"}};
  engine.advance(seconds{2});
  const auto granted_once = engine.ask<ledger::receipt>(supervisor, order);
  ASSERT_TRUE(granted_once) << granted_once.error().message;
  EXPECT_EQ(granted_once->balance, 50);
  const auto again = engine.ask<ledger::receipt>(supervisor, order);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(db.number("select balance from credit_accounts"), 50);
}

TEST_F(supervisor_test, the_directory_lists_exactly_the_actors_that_exist) {
  extract = [](const extraction_request&, const extraction_callback&) {};
  db.submit(1);
  start();
  engine.advance(seconds{2});
  const std::map<std::string, std::size_t> expected = {
      {"supervisor", 1}, {"queue_puller", 1}, {"embedder", 1},         {"committer", 1},
      {"image", 2},      {"image_desk", 1},   {"document", 6},         {"membership", 1},
      {"peers", 1},      {"ledger", 1},       {"status_aggregator", 1}};
  std::map<std::string, std::size_t> found;
  std::set<std::uint64_t> ids;
  int carrying = 0;
  for (auto& p : engine.directory->list()) {
    ++found[p->role];
    EXPECT_TRUE(ids.insert(p->actor_id).second);
    if (p->current().carrying == "file:///letters/0.txt") {
      ++carrying;
      EXPECT_EQ(p->role, "document");
      EXPECT_EQ(p->current().state, "extracting");
    }
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(carrying, 1);
  EXPECT_EQ(engine.system.registry().running(), ids.size() + 1);  // and the test itself
  const auto json = engine.directory->json();
  for (const auto id : ids)
    EXPECT_NE(json.find("\"id\":" + std::to_string(id) + ","), std::string::npos);
  EXPECT_NE(json.find("\"document\":\"file:///letters/0.txt\""), std::string::npos);
  engine.kill(supervisor);
  supervisor = supervisor_actor{};
  EXPECT_EQ(engine.system.registry().running(), 1U);  // none outlives it
}

}  // namespace
}  // namespace millrace
