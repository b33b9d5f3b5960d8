// The openai provider against a real HTTP server on the loopback that fails on demand.
#include "runtime/embedding/openai_provider.hpp"

#include <atomic>
#include <cstdlib>
#include <functional>
#include <future>
#include <thread>

#include <gmock/gmock.h>

#include "runtime/embedding/embedding_encoding.hpp"
#include "tests/support/embedding/fake_embedding_server.hpp"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

/// Far more than any of these needs: only a hang reaches it.
constexpr auto deadline = 60s;

using answer = result<embedding_results>;

std::future<answer> embed(embedding_provider& provider, std::vector<std::string> inputs) {
  auto promise = std::make_shared<std::promise<answer>>();
  auto future = promise->get_future();
  provider.embed(std::move(inputs), [promise](answer a) { promise->set_value(std::move(a)); });
  return future;
}

answer wait(std::future<answer> future) {
  if (future.wait_for(deadline) != std::future_status::ready)
    return fail(ec::timeout, "the test waited for too long");
  return future.get();
}

/// Polls until it holds or the deadline has passed.
bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!holds() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  return holds();
}

std::vector<std::string> texts(int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back("text " + std::to_string(i));
  return out;
}

class openai_provider_test : public testing::Test {
 protected:
  openai_provider_test() {
    settings_.provider = "openai";
    settings_.model = "fake-model";
    settings_.dimensions = 8;
    settings_.api_key_env.clear();
    settings_.requests_per_minute = 10'000'000;
    settings_.tokens_per_minute = 1'000'000'000;
    settings_.max_inputs = 16;
    settings_.concurrency = 8;
    settings_.max_attempts = 4;
    settings_.backoff_min = 1ms;
    settings_.backoff_max = 3ms;
    settings_.request_timeout = 30s;
    settings_.probe_interval = 1h;
  }
  ~openai_provider_test() override { ::unsetenv("MILLRACE_TEST_KEY"); }

  void start(fake_embedding_config config = {}) {
    server_ = std::make_unique<fake_embedding_server>(std::move(config));
    settings_.base_url = server_->base_url();
    auto made = make_embedding_provider(settings_, stats_);
    ASSERT_TRUE(made) << made.error().message;
    provider_ = *made;
  }
  void start_with_script(std::function<fake_reply(const fake_request&)> script) {
    fake_embedding_config config;
    config.script = std::move(script);
    start(std::move(config));
  }
  answer embed_and_wait(std::vector<std::string> inputs) {
    return wait(embed(*provider_, std::move(inputs)));
  }
  /// Embeds `count` texts and checks every vector.
  void expect_embedded(int count) {
    const auto inputs = texts(count);
    const auto a = embed_and_wait(inputs);
    ASSERT_TRUE(a) << a.error().message;
    ASSERT_THAT(*a, SizeIs(inputs.size()));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      ASSERT_TRUE((*a)[i]) << (*a)[i].error().message;
      ASSERT_EQ(*(*a)[i], encode_embedding(fake_embedding(inputs[i], settings_.dimensions)));
    }
  }
  error expect_error(std::vector<std::string> inputs) {
    const auto a = embed_and_wait(std::move(inputs));
    EXPECT_FALSE(a);
    return a ? error{ec::none, ""} : a.error();
  }

  embedder_settings settings_;
  std::shared_ptr<embedding_stats> stats_ = std::make_shared<embedding_stats>();
  std::unique_ptr<fake_embedding_server> server_;
  std::shared_ptr<embedding_provider> provider_;
};

TEST_F(openai_provider_test, embeddings_come_back_in_order) {
  start();
  expect_embedded(10);
  const auto r = server_->requests().at(0);
  EXPECT_EQ(r.target, "/v1/embeddings");
  EXPECT_EQ(r.model, "fake-model");
  EXPECT_TRUE(r.base64);
  EXPECT_EQ(r.dimensions, 0);
  EXPECT_EQ(r.authorization, "");
  EXPECT_EQ(stats_->requests_ok, 1U);
  EXPECT_EQ(stats_->tokens, 30U);
}

TEST_F(openai_provider_test, shuffled_answers_are_put_in_order) {
  fake_embedding_config config;
  config.shuffle = true;
  start(config);
  expect_embedded(10);
}

TEST_F(openai_provider_test, a_server_that_ignores_base64_is_understood) {
  fake_embedding_config config;
  config.ignore_base64 = true;
  start(config);
  expect_embedded(10);
}

TEST_F(openai_provider_test, dimensions_are_asked_for_where_the_model_takes_them) {
  settings_.model = "text-embedding-3-small";
  start();
  expect_embedded(1);
  EXPECT_EQ(server_->requests().at(0).dimensions, 8);
}

TEST_F(openai_provider_test, a_trailing_slash_in_the_url_does_not_matter) {
  start();
  settings_.base_url = server_->base_url() + "/";
  provider_ = *make_embedding_provider(settings_, stats_);
  expect_embedded(1);
  EXPECT_EQ(server_->requests().at(0).target, "/v1/embeddings");
}

TEST_F(openai_provider_test, connections_are_kept_alive) {
  start();
  for (int i = 0; i < 20; ++i) expect_embedded(2);
  EXPECT_EQ(server_->count().requests, 20U);
  EXPECT_EQ(server_->count().connections, 1U);
}

TEST_F(openai_provider_test, no_inputs_have_no_embeddings) {
  start();
  const auto a = embed_and_wait({});
  ASSERT_TRUE(a);
  EXPECT_THAT(*a, SizeIs(0));
  EXPECT_EQ(server_->count().requests, 0U);
}

TEST_F(openai_provider_test, a_batch_over_the_limits_becomes_several_requests) {
  start();
  expect_embedded(50);
  EXPECT_EQ(server_->count().requests, 4U);  // 16 inputs at most
  settings_.max_request_tokens = 8;
  provider_ = *make_embedding_provider(settings_, stats_);
  expect_embedded(4);
  EXPECT_GE(server_->count().requests, 6U);
}

TEST_F(openai_provider_test, requests_fly_at_once_up_to_the_concurrency) {
  settings_.concurrency = 200;
  fake_embedding_config config;
  config.latency = 10min;
  start(config);
  std::vector<std::future<answer>> answers;
  for (int i = 0; i < 250; ++i) answers.push_back(embed(*provider_, texts(2)));
  EXPECT_TRUE(eventually([&] { return server_->count().in_flight == 200; }));
  provider_.reset();
  EXPECT_EQ(server_->count().max_in_flight, 200U);
}

TEST_F(openai_provider_test, hundreds_of_batches_are_all_answered) {
  settings_.concurrency = 200;
  fake_embedding_config config;
  config.latency = 60ms;
  start(config);
  std::vector<std::future<answer>> answers;
  for (int i = 0; i < 1'000; ++i) answers.push_back(embed(*provider_, texts(2)));
  for (auto& a : answers) ASSERT_TRUE(wait(std::move(a)));
  EXPECT_EQ(server_->count().requests, 1'000U);
  EXPECT_LE(server_->count().max_in_flight, 200U);
}

TEST_F(openai_provider_test, a_rate_limit_is_waited_out) {
  start_with_script([](const fake_request& r) {
    return r.number <= 2 ? fake_rate_limit({{"retry-after-ms", "30"}}) : fake_ok();
  });
  const auto begin = std::chrono::steady_clock::now();
  expect_embedded(3);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 60ms);  // never earlier than it was told
  EXPECT_EQ(stats_->requests_throttled, 2U);
  EXPECT_GE(stats_->throttled_milliseconds, 50U);
}

TEST_F(openai_provider_test, a_rate_limit_that_does_not_end_makes_it_unavailable) {
  start_with_script([](const fake_request&) { return fake_rate_limit({{"retry-after-ms", "1"}}); });
  const auto e = expect_error(texts(3));
  EXPECT_EQ(e.code, ec::embedding_unavailable);
  EXPECT_THAT(e.message, HasSubstr("4 attempts"));
  EXPECT_THAT(e.message, HasSubstr("Rate limit reached"));
  EXPECT_EQ(server_->count().requests, 4U);
}

TEST_F(openai_provider_test, while_one_request_is_told_to_wait_no_other_is_sent) {
  std::atomic<bool> told = false;
  std::atomic<int> early = 0;
  std::chrono::steady_clock::time_point until;
  start_with_script([&](const fake_request& r) {
    if (r.number == 1) {
      until = std::chrono::steady_clock::now() + 150ms;
      told = true;
      return fake_rate_limit({{"retry-after-ms", "150"}});
    }
    if (std::chrono::steady_clock::now() < until) ++early;
    return fake_ok();
  });
  auto first = embed(*provider_, texts(1));
  ASSERT_TRUE(eventually([&] { return stats_->requests_throttled == 1; }));
  ASSERT_TRUE(told);
  std::vector<std::future<answer>> others;
  for (int i = 0; i < 10; ++i) others.push_back(embed(*provider_, texts(1)));
  ASSERT_TRUE(wait(std::move(first)));
  for (auto& a : others) ASSERT_TRUE(wait(std::move(a)));
  EXPECT_EQ(early, 0);
}

TEST_F(openai_provider_test, every_third_request_throttled_loses_nothing) {
  settings_.max_attempts = 20;
  start_with_script([](const fake_request& r) {
    return r.number % 3 == 0 ? fake_rate_limit({{"x-ratelimit-reset-requests", "1ms"}}) : fake_ok();
  });
  expect_embedded(300);
}

TEST_F(openai_provider_test, insufficient_quota_pauses_at_once_with_the_servers_sentence) {
  start_with_script([](const fake_request&) { return fake_insufficient_quota(); });
  const auto e = expect_error(texts(3));
  EXPECT_EQ(e.code, ec::embedding_paused);
  EXPECT_THAT(e.message, HasSubstr("You exceeded your current quota"));
  EXPECT_EQ(server_->count().requests, 1U);  // not tried again
}

TEST_F(openai_provider_test, while_paused_nothing_is_sent) {
  start_with_script([](const fake_request&) { return fake_unauthorized(); });
  EXPECT_EQ(expect_error(texts(1)).code, ec::embedding_paused);
  for (int i = 0; i < 5; ++i) {
    const auto e = expect_error(texts(1));
    EXPECT_EQ(e.code, ec::embedding_paused);
    EXPECT_THAT(e.message, HasSubstr("Incorrect API key"));
  }
  EXPECT_EQ(server_->count().requests, 1U);
}

TEST_F(openai_provider_test, what_waits_when_the_key_is_refused_is_answered_too) {
  settings_.concurrency = 1;
  fake_embedding_config config;
  config.latency = 20ms;
  config.script = [](const fake_request&) { return fake_status(403); };
  start(config);
  std::vector<std::future<answer>> answers;
  for (int i = 0; i < 8; ++i) answers.push_back(embed(*provider_, texts(1)));
  for (auto& a : answers) EXPECT_EQ(wait(std::move(a)).error().code, ec::embedding_paused);
  EXPECT_EQ(server_->count().requests, 1U);
}

TEST_F(openai_provider_test, a_probe_after_the_interval_resumes_the_work) {
  settings_.probe_interval = 1ms;
  start_with_script(
      [](const fake_request& r) { return r.number <= 2 ? fake_insufficient_quota() : fake_ok(); });
  int paused = 0;
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (std::chrono::steady_clock::now() < end) {
    const auto a = embed_and_wait(texts(1));
    if (a) break;
    ASSERT_EQ(a.error().code, ec::embedding_paused);
    ++paused;
  }
  EXPECT_GE(paused, 2);
  EXPECT_EQ(server_->count().requests, 3U);
  expect_embedded(20);
}

TEST_F(openai_provider_test, wrong_dimensions_pause_and_name_both_numbers) {
  fake_embedding_config config;
  config.dimensions = 4;
  start(config);
  const auto e = expect_error(texts(2));
  EXPECT_EQ(e.code, ec::embedding_paused);
  EXPECT_THAT(e.message, HasSubstr("4 dimensions where embedder.dimensions is 8"));
}

TEST_F(openai_provider_test, a_rejected_input_is_found_and_the_others_are_embedded) {
  fake_embedding_config config;
  config.reject_marker = "BAD";
  start(config);
  auto inputs = texts(16);
  inputs[5] += " BAD";
  inputs[11] += " BAD";
  const auto a = embed_and_wait(inputs);
  ASSERT_TRUE(a) << a.error().message;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (i == 5 || i == 11) {
      ASSERT_FALSE((*a)[i]);
      EXPECT_EQ((*a)[i].error().code, ec::embedding_rejected);
      EXPECT_THAT((*a)[i].error().message, HasSubstr("not acceptable"));
    } else {
      ASSERT_TRUE((*a)[i]) << i;
      EXPECT_EQ(*(*a)[i], encode_embedding(fake_embedding(inputs[i], 8)));
    }
  }
}

TEST_F(openai_provider_test, an_empty_input_is_rejected_without_a_request) {
  start();
  const auto a = embed_and_wait({"", "text"});
  ASSERT_TRUE(a);
  EXPECT_EQ((*a)[0].error().code, ec::embedding_rejected);
  EXPECT_TRUE((*a)[1]);
  EXPECT_EQ(server_->requests().at(0).inputs, std::vector<std::string>{"text"});
  EXPECT_TRUE(embed_and_wait({""}));
  EXPECT_EQ(server_->count().requests, 1U);
}

TEST_F(openai_provider_test, a_request_that_is_too_large_for_the_server_is_split) {
  fake_embedding_config config;
  config.max_inputs = 3;
  start(config);
  expect_embedded(16);
}

TEST_F(openai_provider_test, numbers_that_are_not_finite_reject_their_input) {
  fake_embedding_config config;
  config.nan_marker = "ODD";
  start(config);
  const auto a = embed_and_wait({"even", "ODD"});
  ASSERT_TRUE(a);
  EXPECT_TRUE((*a)[0]);
  ASSERT_FALSE((*a)[1]);
  EXPECT_EQ((*a)[1].error().code, ec::embedding_rejected);
}

TEST_F(openai_provider_test, failures_that_may_pass_are_tried_again) {
  for (const int status : {408, 409, 500, 503}) {
    start_with_script([status](const fake_request& r) {
      return r.number <= 3 ? fake_status(status) : fake_ok();
    });
    expect_embedded(3);
    EXPECT_EQ(server_->count().requests, 4U);
  }
  EXPECT_EQ(stats_->requests_failed, 12U);
}

TEST_F(openai_provider_test, a_dropped_connection_is_tried_again) {
  start_with_script(
      [](const fake_request& r) { return r.number <= 2 ? fake_dropped_connection() : fake_ok(); });
  expect_embedded(3);
}

TEST_F(openai_provider_test, an_answer_cut_short_is_tried_again) {
  start_with_script([](const fake_request& r) {
    auto reply = fake_ok();
    reply.truncate = r.number == 1;
    return reply;
  });
  expect_embedded(16);
  EXPECT_EQ(server_->count().requests, 2U);
}

TEST_F(openai_provider_test, a_server_that_keeps_failing_is_unavailable) {
  start_with_script([](const fake_request&) { return fake_status(500); });
  const auto e = expect_error(texts(40));
  EXPECT_EQ(e.code, ec::embedding_unavailable);
  EXPECT_THAT(e.message, HasSubstr("HTTP 500"));
}

TEST_F(openai_provider_test, a_server_that_is_not_there_is_unavailable) {
  start();
  server_.reset();
  const auto e = expect_error(texts(1));
  EXPECT_EQ(e.code, ec::embedding_unavailable);
  EXPECT_THAT(e.message, HasSubstr("cannot be reached"));
}

TEST_F(openai_provider_test, a_server_that_does_not_answer_in_time_is_unavailable) {
  settings_.request_timeout = 30ms;
  settings_.max_attempts = 2;
  fake_embedding_config config;
  config.latency = 10min;
  start(config);
  EXPECT_EQ(expect_error(texts(1)).code, ec::embedding_unavailable);
  EXPECT_EQ(server_->count().requests, 2U);
}

TEST_F(openai_provider_test, the_key_is_sent_and_never_repeated) {
  ::setenv("MILLRACE_TEST_KEY", "sk-very-secret", 1);
  settings_.api_key_env = "MILLRACE_TEST_KEY";
  start_with_script([](const fake_request& r) {
    auto reply = fake_unauthorized();
    reply.error_message = "No such key: " + r.authorization;
    return reply;
  });
  const auto e = expect_error(texts(1));
  EXPECT_EQ(server_->requests().at(0).authorization, "Bearer sk-very-secret");
  EXPECT_THAT(e.message, HasSubstr("No such key"));
  EXPECT_THAT(e.message, Not(HasSubstr("secret")));
}

TEST_F(openai_provider_test, redirects_are_not_followed) {
  start_with_script([this](const fake_request&) {
    auto reply = fake_status(307);
    reply.headers["location"] = "/v1/elsewhere/embeddings";
    return reply;
  });
  EXPECT_EQ(expect_error(texts(1)).code, ec::embedding_paused);
  EXPECT_EQ(server_->count().requests, 1U);
}

TEST_F(openai_provider_test, batches_over_its_bound_are_sent_back) {
  settings_.concurrency = 1;
  fake_embedding_config config;
  config.latency = 10min;
  start(config);
  std::vector<std::future<answer>> held;
  for (int i = 0; i < 8; ++i) held.push_back(embed(*provider_, texts(1)));
  EXPECT_EQ(expect_error(texts(1)).code, ec::mailbox_full);
  provider_.reset();
  for (auto& a : held) EXPECT_EQ(wait(std::move(a)).error().code, ec::draining);
}

TEST_F(openai_provider_test, destruction_answers_everything_with_draining) {
  fake_embedding_config config;
  config.latency = 10min;
  start(config);
  std::vector<std::future<answer>> answers;
  for (int i = 0; i < 30; ++i) answers.push_back(embed(*provider_, texts(20)));
  ASSERT_TRUE(eventually([&] { return server_->count().requests == 8; }));
  provider_.reset();
  for (auto& a : answers) EXPECT_EQ(wait(std::move(a)).error().code, ec::draining);
}

TEST_F(openai_provider_test, the_last_owner_may_let_go_inside_a_callback) {
  start();
  std::promise<void> called;
  auto* raw = provider_.get();
  raw->embed(texts(1), [owner = std::move(provider_), &called](answer a) mutable {
    EXPECT_TRUE(a);
    owner.reset();
    called.set_value();
  });
  EXPECT_EQ(called.get_future().wait_for(deadline), std::future_status::ready);
}

TEST_F(openai_provider_test, a_callback_may_embed_again) {
  start();
  std::promise<answer> second;
  provider_->embed(texts(1), [&](answer) {
    provider_->embed(texts(2), [&](answer a) { second.set_value(std::move(a)); });
  });
  EXPECT_TRUE(wait(second.get_future()));
}

TEST_F(openai_provider_test, threads_may_embed_at_once) {
  start_with_script(
      [](const fake_request& r) { return r.number % 7 == 0 ? fake_status(500) : fake_ok(); });
  settings_.max_attempts = 20;
  provider_ = *make_embedding_provider(settings_, stats_);
  std::atomic<int> embedded = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i)
        if (embed_and_wait(texts(3))) ++embedded;
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(embedded, 100);
}

}  // namespace
}  // namespace millrace
