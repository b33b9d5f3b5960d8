#include "runtime/embedding/batcher.hpp"

#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/chunking/token_estimator.hpp"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

embedding_results echo(const batcher::batch& b) {
  embedding_results answers;
  for (const auto& text : b.inputs) answers.emplace_back("embedded " + text);
  return answers;
}

TEST(batcher, a_batch_is_filled_across_documents_in_arrival_order) {
  batcher b{{.max_inputs = 3}};
  EXPECT_TRUE(b.empty());
  EXPECT_THAT(b.next().inputs, IsEmpty());
  b.add(1, {"a", "b"});
  EXPECT_FALSE(b.full());
  b.add(2, {"c", "d"});
  EXPECT_TRUE(b.full());
  const auto first = b.next();
  EXPECT_THAT(first.inputs, ElementsAre("a", "b", "c"));
  EXPECT_FALSE(b.full());
  EXPECT_FALSE(b.empty());
  const auto second = b.next();
  EXPECT_THAT(second.inputs, ElementsAre("d"));
  EXPECT_TRUE(b.empty());

  const auto late = b.answer(second, echo(second));
  EXPECT_THAT(late, IsEmpty()) << "document 2 still waits for its first chunk";
  const auto complete = b.answer(first, echo(first));
  ASSERT_THAT(complete, SizeIs(2));
  EXPECT_EQ(complete[0].id, 1U);
  EXPECT_THAT(complete[0].embeddings, ElementsAre("embedded a", "embedded b"));
  EXPECT_EQ(complete[1].id, 2U);
  EXPECT_THAT(complete[1].embeddings, ElementsAre("embedded c", "embedded d"));
  EXPECT_EQ(complete[1].problem.code, ec::none);
  EXPECT_EQ(b.jobs(), 0U);
}

TEST(batcher, a_batch_is_full_at_the_providers_tokens_and_a_longer_text_goes_alone) {
  const std::string text = "four words of text";
  const auto tokens = static_cast<int>(estimate_tokens(text));
  batcher b{{.max_inputs = 100, .max_tokens = 2 * tokens}};
  std::string long_text;
  for (int i = 0; i < 10; ++i) long_text += text + " ";
  b.add(1, {text, text, text, long_text, text});
  EXPECT_TRUE(b.full());
  EXPECT_THAT(b.next().inputs, ElementsAre(text, text));
  EXPECT_THAT(b.next().inputs, ElementsAre(text));
  EXPECT_THAT(b.next().inputs, ElementsAre(long_text));
  EXPECT_FALSE(b.full());
  EXPECT_THAT(b.next().inputs, ElementsAre(text));
}

TEST(batcher, one_refused_chunk_is_its_own_documents_problem) {
  batcher b{{.max_inputs = 10}};
  b.add(1, {"a", "b"});
  b.add(2, {"c"});
  const auto batch = b.next();
  auto answers = echo(batch);
  answers[0] = fail(ec::embedding_rejected, "first");
  answers[1] = fail(ec::embedding_unavailable, "second");
  const auto complete = b.answer(batch, answers);
  ASSERT_THAT(complete, SizeIs(2));
  EXPECT_EQ(complete[0].problem.code, ec::embedding_rejected) << "the first error is kept";
  EXPECT_EQ(complete[1].problem.code, ec::none);
  EXPECT_THAT(complete[1].embeddings, ElementsAre("embedded c"));
}

TEST(batcher, an_error_of_the_batch_is_every_documents_and_a_document_waits_for_its_other_batch) {
  batcher b{{.max_inputs = 2}};
  b.add(1, {"a", "b", "c"});
  const auto first = b.next();
  const auto second = b.next();
  EXPECT_THAT(b.answer(first, fail(ec::embedding_paused, "quota")), IsEmpty());
  const auto complete = b.answer(second, echo(second));
  ASSERT_THAT(complete, SizeIs(1));
  EXPECT_EQ(complete[0].problem.code, ec::embedding_paused);
}

TEST(batcher, a_forgotten_document_leaves_the_batches_and_its_late_answers_are_dropped) {
  batcher b{{.max_inputs = 2}};
  b.add(1, {"a", "b", "c", "d"});
  b.add(2, {"e"});
  const auto in_flight = b.next();
  b.forget(1);
  b.forget(1);
  b.forget(99);
  EXPECT_FALSE(b.full()) << "its waiting chunks do not count";
  EXPECT_THAT(b.answer(in_flight, echo(in_flight)), IsEmpty());
  const auto rest = b.next();
  EXPECT_THAT(rest.inputs, ElementsAre("e"));
  EXPECT_TRUE(b.empty());
  EXPECT_THAT(b.answer(rest, echo(rest)), SizeIs(1));
}

TEST(batcher, in_a_random_run_every_chunk_gets_its_own_answer_and_no_batch_is_over_its_limits) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    const auto pick = [&](std::size_t from, std::size_t to) {
      return std::uniform_int_distribution<std::size_t>{from, to}(random);
    };
    batcher b{{.max_inputs = 5, .max_tokens = 30}};
    std::map<std::uint64_t, std::vector<std::string>> open;
    std::vector<batcher::batch> in_flight;
    const auto answer_one = [&] {
      std::swap(in_flight.back(), in_flight[pick(0, in_flight.size() - 1)]);
      const auto batch = std::move(in_flight.back());
      in_flight.pop_back();
      for (const auto& job : b.answer(batch, echo(batch))) {
        ASSERT_TRUE(open.contains(job.id));
        ASSERT_THAT(job.embeddings, SizeIs(open[job.id].size()));
        for (std::size_t i = 0; i < job.embeddings.size(); ++i)
          EXPECT_EQ(job.embeddings[i], "embedded " + open[job.id][i]);
        open.erase(job.id);
      }
    };
    const auto take_one = [&] {
      auto batch = b.next();
      std::uint64_t tokens = 0;
      for (const auto& text : batch.inputs) tokens += estimate_tokens(text);
      EXPECT_LE(batch.inputs.size(), 5U);
      EXPECT_TRUE(tokens <= 30 || batch.inputs.size() == 1) << tokens;
      in_flight.push_back(std::move(batch));
    };
    for (std::uint64_t id = 1; id <= 200; ++id) {
      std::vector<std::string> texts;
      for (auto n = pick(1, 7); n > 0; --n)
        texts.push_back("document " + std::to_string(id) + " " + std::string(pick(0, 60), 'x'));
      open[id] = texts;
      b.add(id, std::move(texts));
      if (pick(0, 1) == 0 && !b.empty()) take_one();
      if (pick(0, 2) == 0 && !in_flight.empty()) answer_one();
      if (pick(0, 15) == 0 && !open.empty()) {
        b.forget(open.begin()->first);
        open.erase(open.begin());
      }
    }
    while (!b.empty()) take_one();
    EXPECT_FALSE(b.full());
    while (!in_flight.empty()) answer_one();
    EXPECT_THAT(open, IsEmpty());
    EXPECT_EQ(b.jobs(), 0U);
  }
}

}  // namespace
}  // namespace millrace
