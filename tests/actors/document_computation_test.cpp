// What is computed of a large document is computed elsewhere: the scheduler's thread is free
// meanwhile.
#include <stdexcept>

#include "runtime/chunking/chunker.hpp"
#include "runtime/threads/guarded.hpp"
#include "tests/actors/document_fixture.hpp"

namespace millrace {
namespace {

class document_computation_test : public document_test {
 protected:
  std::deque<compute_pool::job> jobs;
  std::size_t room = 1;  ///< Jobs that the pool takes.
  int refusals = 0;

  void start() {
    config.compute = [this](std::uint64_t bytes, compute_pool::job& job) {
      EXPECT_GE(bytes, large_work_bytes);
      if (jobs.size() >= room) {
        ++refusals;
        return false;
      }
      jobs.push_back(std::move(job));
      return true;
    };
    document_test::start();
    ASSERT_TRUE(deliver(lease_of(5)));
  }
  void compute() {
    const auto job = std::move(jobs.front());
    jobs.pop_front();
    job();
    engine.run();
  }
  static extracted_document large_document() {
    return text_document(std::vector<std::string>(2'000, "The mill turns with the water."));
  }
};

TEST_F(document_computation_test, a_large_one_is_chunked_in_the_pool) {
  start();
  extracted(large_document());
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_TRUE(provider->calls.empty());
  compute();
  EXPECT_EQ(load().state, "embedding");
  provider->at_once = true;
  while (!provider->calls.empty()) embedded();
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  const auto expected = chunk_document(large_document(), config.chunking);
  ASSERT_EQ(writer.written[0].chunks.size(), expected.size());
  EXPECT_EQ(writer.written[0].chunks.back().text, expected.back().text);
}

TEST_F(document_computation_test, a_small_one_stays_in_its_actor) {
  start();
  extracted(text_document({"Some words."}));
  EXPECT_TRUE(jobs.empty());
  EXPECT_EQ(load().state, "embedding");
}

TEST_F(document_computation_test, a_full_pool_is_asked_again_and_meanwhile_it_answers_others) {
  room = 0;
  start();
  extracted(large_document());
  EXPECT_EQ(refusals, 1);
  engine.advance(10 * document_actor_impl::compute_pause, document_actor_impl::compute_pause);
  EXPECT_GE(refusals, 5);
  EXPECT_FALSE(deliver(lease_of(6))) << "it answers";
  room = 1;
  engine.advance(document_actor_impl::compute_pause);
  ASSERT_EQ(jobs.size(), 1U);
  compute();
  EXPECT_EQ(load().state, "embedding");
}

TEST_F(document_computation_test, an_exception_there_is_the_documents_error) {
  start();
  extracted(large_document());
  set_job_probe([](const char* job) {
    if (std::string_view{job} == "compute") throw std::runtime_error{"too deep"};
  });
  compute();
  set_job_probe(nullptr);
  ASSERT_EQ(log->returned.size(), 1U);
  EXPECT_EQ(log->returned[0].reason, release_reason::failed);
  EXPECT_EQ(load().state, "idle");
}

TEST_F(document_computation_test, what_comes_after_it_was_given_back_is_ignored) {
  start();
  extracted(large_document());
  caf::anon_send(document, drain_atom_v);
  engine.run();
  ASSERT_EQ(log->returned.size(), 1U);
  ASSERT_TRUE(deliver(lease_of(6)));
  compute();
  EXPECT_EQ(load().state, "extracting");
  EXPECT_EQ(load().carrying, "file:///documents/6.txt");
}

TEST_F(document_computation_test, a_checkpoint_of_a_large_one_is_encoded_in_the_pool) {
  std::vector<checkpoint_order> saved;
  config.checkpoints.save = [&](checkpoint_order order) { saved.push_back(std::move(order)); };
  start();
  auto read = large_document();
  read.reading_time = document_actor_impl::expensive_reading;
  extracted(std::move(read));
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_TRUE(saved.empty());
  compute();
  EXPECT_FALSE(saved.empty());
  ASSERT_EQ(jobs.size(), 1U) << "then it is chunked";
  compute();
  EXPECT_EQ(load().state, "embedding");
}

TEST_F(document_computation_test, the_images_among_very_many_elements_are_found_in_the_pool) {
  start();
  extracted(text_document(std::vector<std::string>(10'000, "Word.")));
  EXPECT_EQ(load().state, "extracting");
  ASSERT_EQ(jobs.size(), 1U);
  compute();
  ASSERT_EQ(jobs.size(), 1U) << "then it is chunked";
  EXPECT_EQ(load().state, "describing");
  compute();
  EXPECT_EQ(load().state, "embedding");
}

}  // namespace
}  // namespace millrace
