// The whole engine on the deterministic scheduler with a real database.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/supervisor.hpp"
#include "runtime/commit/group_commit.hpp"
#include "tests/actors/database_fixture.hpp"
#include "tests/actors/engine_fixture.hpp"

namespace millrace {

class supervisor_test : public ::testing::Test {
 protected:
  engine_database db;
  virtual_engine engine;
  settings config;
  std::shared_ptr<lease_book> book = std::make_shared<lease_book>();
  std::shared_ptr<scripted_provider> provider = std::make_shared<scripted_provider>();
  std::vector<std::string> fatal;
  std::function<void(const extraction_request&, extraction_callback)> extract =
      [](const extraction_request& request, const extraction_callback& done) {
        done(text_document({"The words of " + request.path + "."}));
      };
  supervisor_actor supervisor;

  supervisor_test() {
    config.documents.concurrency = 6;
    config.images.concurrency = 2;
    config.queue.poll_interval = std::chrono::seconds{1};
    config.queue.batch_size = 8;
    config.queue.max_losses = 1000;
    config.queue.max_attempts = 1000;
    config.queue.retry_min = std::chrono::milliseconds{0};
    config.restart.intensity = 1'000'000;
    provider->at_once = true;
  }

  void start() {
    engine_parts parts;
    parts.config = config;
    parts.directory = engine.directory;
    parts.counters = engine.counters;
    parts.pool = &db.pool();
    parts.registry = db.registry;
    parts.incarnation = db.incarnation;
    parts.source = db.source(config.queue);
    parts.book = book;
    parts.provider = provider;
    parts.extract = [this](extraction_request r, extraction_callback done) {
      extract(r, std::move(done));
    };
    parts.write = [this](std::vector<document_result> group, group_writer::callback done) {
      done(commit_group(db.pool(), "node", group));
    };
    parts.storage_problem = [] { return std::nullopt; };
    parts.on_fatal = [this](std::string reason) { fatal.push_back(std::move(reason)); };
    parts.detach_blocking = false;
    supervisor = engine.keep(spawn_supervisor(engine.system, std::move(parts)));
  }

  bool done() { return db.query("select status from datasets") != "processing"; }

  /// Virtual time until the dataset has ended.
  void finish(duration at_most, random_source* random = nullptr) {
    for (duration t{0}; t < at_most && !done(); t += std::chrono::milliseconds{250})
      engine.advance(std::chrono::milliseconds{250}, std::chrono::milliseconds{50}, random);
  }

  std::size_t count(const std::string& role) {
    std::size_t n = 0;
    for (auto& p : engine.directory->list()) n += p->role == role ? 1 : 0;
    return n;
  }

  void expect_all_ready(int documents) {
    EXPECT_EQ(db.query("select status from datasets"), "ready");
    EXPECT_EQ(db.number("select count(*) from documents where status = 'ready'"), documents);
    EXPECT_EQ(db.number("select count(*) from chunks"), documents);
    EXPECT_EQ(db.number("select sum(ready) from dataset_progress"), documents);
    EXPECT_EQ(db.number("select coalesce(sum(failed), 0) from dataset_progress"), 0);
    EXPECT_EQ(db.number("select ready from datasets"), documents);
    EXPECT_EQ(db.ready(), 0);
    EXPECT_EQ(db.leased(), 0);
    EXPECT_EQ(db.number("select balance from credit_accounts"),
              initial_grant - documents * cost_per_document);
    EXPECT_EQ(db.number("select sum(amount) from credit_transactions"),
              db.number("select balance from credit_accounts"));
    EXPECT_EQ(db.number("select count(*) from credit_refunds"), 0);
  }

  /// A crash of whichever actor is `random`'s; the supervisor is spared.
  std::string crash_one(random_source& random) {
    auto& jobs = engine.sched.jobs;
    if (jobs.empty()) return {};
    auto* victim = dynamic_cast<caf::scheduled_actor*>(jobs[random() % jobs.size()]);
    if (victim == nullptr || victim->name() == std::string{"supervisor"} ||
        supervisor->id() == victim->id())
      return {};
    std::string role = victim->name();
    caf::anon_send_exit(caf::actor_cast<caf::actor>(caf::strong_actor_ptr{victim->ctrl()}),
                        caf::exit_reason::kill);
    return role;
  }

  /// The next one of this role that has something to do.
  void kill_next(const std::string& role) {
    for (int i = 0; i < 10'000; ++i) {
      for (auto* job : engine.sched.jobs)
        if (auto* victim = dynamic_cast<caf::scheduled_actor*>(job);
            victim != nullptr && victim->name() == role)
          return engine.kill(caf::actor_cast<caf::actor>(caf::strong_actor_ptr{victim->ctrl()}));
      if (!engine.step()) engine.sched.advance_time(std::chrono::milliseconds{10});
    }
    FAIL() << role << " had nothing to do";
  }
};

}  // namespace millrace
