// Each thread of runtime/: an exception in its job is an error for whoever waits for that job, and
// the thread does the next one. Before there was runtime/threads each of these ended the process.
#include <atomic>
#include <cstring>
#include <fstream>
#include <functional>
#include <future>
#include <new>
#include <stdexcept>

#include <gtest/gtest.h>

#include "runtime/checkpoints/checkpoint_thread.hpp"
#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/link_certificates.hpp"
#include "runtime/cluster/maintenance.hpp"
#include "runtime/commit/group_writer.hpp"
#include "runtime/embedding/provider.hpp"
#include "runtime/extraction/extractor_pool.hpp"
#include "runtime/http/client.hpp"
#include "runtime/http/server.hpp"
#include "runtime/http/worker_pool.hpp"
#include "runtime/images/image_texts.hpp"
#include "runtime/queue/queue_listener.hpp"
#include "runtime/threads/compute_pool.hpp"
#include "runtime/threads/guarded.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/test_database.hpp"
#include "tests/support/throwing_job.hpp"

namespace millrace {
namespace {

/// Only a hang reaches it.
constexpr auto patience = std::chrono::minutes{1};

/// A callback, and what it was called with.
template <class Value>
class answer_of {
 public:
  std::function<void(Value)> callback() {
    return [p = promise_](Value v) { p->set_value(std::move(v)); };
  }
  Value wait() {
    auto answered = promise_->get_future();
    if (answered.wait_for(patience) == std::future_status::ready) return answered.get();
    ADD_FAILURE() << "nobody was answered";
    return {};
  }

 private:
  std::shared_ptr<std::promise<Value>> promise_ = std::make_shared<std::promise<Value>>();
};

template <class T>
void expect_thrown(const result<T>& answer) {
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ec::internal);
  EXPECT_NE(answer.error().message.find("bad_alloc"), std::string::npos) << answer.error().message;
}

TEST(a_throwing_job, of_the_group_writer_is_its_groups_error) {
  test_database db;
  group_writer writer{db.pool(), {"node"}};
  const auto write = [&] {
    document_result nobodys;  // a lease that is nobody's: committed as stale
    nobodys.token = 1;
    answer_of<result<group_report>> answer;
    writer.write({nobodys}, answer.callback());
    return answer.wait();
  };
  {
    const throwing_job commit{"commit"};
    expect_thrown(write());
  }
  const auto next = write();
  ASSERT_TRUE(next) << next.error().message;
}

TEST(a_throwing_job, of_the_checkpoints_is_answered_with_no_pieces) {
  test_database db;
  checkpoint_thread checkpoints{checkpoint_store{db.pool(), {}, std::chrono::seconds{60}},
                                std::make_shared<metrics>()};
  const throwing_job checkpoint{"checkpoint"};
  checkpoints.save({});
  for (int i = 0; i < 2; ++i) {
    answer_of<saved_pieces> answer;
    checkpoints.load({1, "/nowhere", "", ""}, answer.callback());
    EXPECT_TRUE(answer.wait().images.empty());
  }
  EXPECT_EQ(checkpoint.begun(), 3);
}

TEST(a_throwing_job, of_the_image_texts_is_answered_with_nothing) {
  test_database db;
  image_texts texts{db.pool(), "eng"};
  const throwing_job lookup{"image texts"};
  for (int i = 0; i < 2; ++i) {
    answer_of<std::optional<std::string>> answer;
    texts.find({1, "00"}, answer.callback());
    EXPECT_FALSE(answer.wait());
  }
  EXPECT_EQ(lookup.begun(), 2);
}

TEST(a_throwing_job, of_the_maintenance_is_tried_again_after_its_interval) {
  const throwing_job maintain{"maintenance"};
  std::atomic<int> runs{0};
  maintenance upkeep{{{"sweeping", std::chrono::milliseconds{1}, [&]() -> result<void> {
                         if (++runs == 1) throw std::runtime_error{"a bad row"};
                         return {};
                       }}}};
  upkeep.lead(true);
  EXPECT_TRUE(eventually([&] { return runs >= 3; }));
}

TEST(a_throwing_job, of_the_certificates_is_looked_at_again) {
  const temporary_directory folder;
  auto authority = certificate_authority::open(folder.path(), "test");
  ASSERT_TRUE(authority);
  ASSERT_TRUE(authority->issue("a", 30));
  const throwing_job look{"link certificates"};
  const auto links = link_certificates::create(
      {(folder.path() / "a.pem").string(), (folder.path() / "a.key").string(),
       (folder.path() / "ca.pem").string()},
      "a");
  ASSERT_TRUE(links);
  EXPECT_TRUE(eventually([&] { return look.begun() >= 2; }));
}

TEST(a_throwing_job, of_the_queue_listener_listens_again) {
  test_database db;
  std::atomic<int> heard{0};
  const queue_listener listener{db.connection_string(), {}, "test", [&] {
                                  if (++heard == 1) throw 1;  // no std::exception
                                }};
  EXPECT_TRUE(eventually([&] { return heard >= 2; }));
}

TEST(a_throwing_job, of_the_extractor_pool_is_its_documents_error) {
  const temporary_directory folder;
  const auto path = (folder.path() / "a.txt").string();
  std::ofstream{path} << "The mill turns.";
  extractor_pool_config config;
  config.executable = REAL_EXTRACTOR;
  config.settings.processes = 1;
  extractor_pool pool{config};
  const auto extract = [&](std::function<void(finished_pages)> pages = nullptr) {
    extraction_request request;
    request.path = path;
    request.pages_finished = std::move(pages);
    answer_of<result<extracted_document>> answer;
    pool.extract(std::move(request), answer.callback());
    return answer.wait();
  };
  EXPECT_TRUE(extract());
  {  // in a step of the worker, with the document in hand or without
    const throwing_job step{"extraction"};
    if (const auto answer = extract(); !answer) expect_thrown(answer);
    EXPECT_TRUE(eventually([&] { return step.begun() >= 2; }));
  }
  {  // in the document's callback
    std::atomic<int> calls{0};
    std::promise<result<extracted_document>> said;
    extraction_request request;
    request.path = path;
    pool.extract(std::move(request), [&](result<extracted_document> r) {
      if (++calls == 1) throw std::bad_alloc{};
      said.set_value(std::move(r));
    });
    expect_thrown(said.get_future().get());
  }
  EXPECT_TRUE(extract());
}

TEST(a_throwing_job, of_the_embedding_is_its_batchs_error) {
  embedder_settings s;
  s.provider = "openai";
  s.base_url = "http://127.0.0.1:1/v1";  // nobody answers there
  s.api_key_env = "";
  s.max_attempts = 1;
  s.concurrency = 1;
  s.backoff_min = s.backoff_max = std::chrono::milliseconds{1};
  const auto made = make_embedding_provider(s, nullptr);
  ASSERT_TRUE(made) << made.error().message;
  const auto embed = [&] {
    answer_of<result<embedding_results>> answer;
    (*made)->embed({"text"}, answer.callback());
    return answer.wait();
  };
  // With one request at a time, one whose end is not noted would be the last.
  const std::pair<const char*, int> jobs[] = {{"embedding batch", 1},
                                              {"embedding request", 1},
                                              {"embedding answer", 1},   // it is read
                                              {"embedding answer", 2}};  // it is acted upon
  for (const auto& [job, nth] : jobs) {
    SCOPED_TRACE(job);
    const throwing_job thrower{job, nth};
    expect_thrown(embed());
    const auto next = embed();
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().code, ec::embedding_unavailable) << next.error().message;
  }
  {  // the loop itself: whoever is held then gets the error, and it continues
    const throwing_job thrower{"embedding"};
    EXPECT_FALSE(embed());
    EXPECT_FALSE(embed());
    EXPECT_TRUE(eventually([&] { return thrower.begun() >= 2; }));
  }
}

TEST(a_throwing_job, of_the_http_server_costs_its_connection_only) {
  for (const auto* job : {"http accept", "http connection", "http request"}) {
    SCOPED_TRACE(job);
    auto server = http::server::start({.listen = "127.0.0.1:0"}, [](const http::request&) {
      http::response r;
      r.body = "well";
      return r;
    });
    ASSERT_TRUE(server) << server.error().message;
    const auto ask = [&] {
      http::request r;
      r.method = "GET";
      r.path = "/";
      return http::send({"http://" + (*server)->address(), ""}, r, patience);
    };
    const throwing_job thrower{job};
    EXPECT_FALSE(ask());
    const auto next = ask();
    ASSERT_TRUE(next) << next.error().message;
    EXPECT_EQ(next->body, "well");
  }
}

TEST(a_throwing_job, of_the_http_workers_is_logged) {
  http::worker_pool workers{1, 8};
  std::promise<void> next;
  ASSERT_TRUE(workers.try_submit([] { throw std::bad_alloc{}; }));
  ASSERT_TRUE(workers.try_submit([&] { next.set_value(); }));
  EXPECT_EQ(next.get_future().wait_for(patience), std::future_status::ready);
}

TEST(a_throwing_job, of_the_compute_pool_is_its_callers_error) {
  compute_pool pool{1};
  const throwing_job compute{"compute"};
  answer_of<result<int>> first;
  answer_of<result<int>> second;
  pool.run(1, make_compute_job<int>([] { return 1; }, first.callback()));
  pool.run(1, make_compute_job<int>([] { return 2; }, second.callback()));
  expect_thrown(first.wait());
  EXPECT_EQ(second.wait(), 2);
}

TEST(a_throwing_job, within_a_callback_of_libcurl_fails_the_request) {
  auto server = http::server::start({.listen = "127.0.0.1:0"}, [](const http::request&) {
    http::response r;
    r.body = "well";
    return r;
  });
  ASSERT_TRUE(server);
  http::request r;
  r.method = "GET";
  r.path = "/";
  const auto answer = http::send_streaming(
      {"http://" + (*server)->address(), ""}, r,
      [](std::string_view) -> bool { throw std::bad_alloc{}; }, std::chrono::seconds{60});
  expect_thrown(answer);
}

}  // namespace
}  // namespace millrace
