// Images of a document: read one at a time an actor, and what becomes of what they say.
#include "tests/actors/document_fixture.hpp"

namespace millrace {
namespace {

class image_test : public document_test {
 protected:
  struct question {
    image_question asked;
    image_answer done;
  };
  std::deque<question> questions;

  image_test() {
    image_read_seam = [this](image_question asked, image_answer done) {
      questions.push_back({std::move(asked), std::move(done)});
    };
  }
  void read(result<std::string> text) {
    auto next = std::move(questions.front());
    questions.pop_front();
    next.done(std::move(text));
    engine.run();
  }
  static extracted_document scan(int pages) {
    auto d = text_document({"words"});
    add_pictures(d, pages);
    for (auto& e : d.elements)
      if (e.kind == element_kind::image) e.image.source = "page:" + std::to_string(e.page);
    return d;
  }
  const document_result& written() { return writer.written.at(0); }
  std::string text_of_chunks() {
    std::string all;
    for (const auto& c : written().chunks) all += c.text + '\n';
    return all;
  }
};

TEST_F(image_test, an_actor_reads_one_image_at_a_time_and_all_are_read) {
  start();  // two image actors
  ASSERT_TRUE(deliver(lease_of(5)));
  extracted(scan(6));
  EXPECT_EQ(questions.size(), 2U);
  EXPECT_EQ(questions[0].asked.path, "/documents/5.txt");
  EXPECT_EQ(questions[0].asked.image.source, "page:1");
  for (int i = 0; i < 6; ++i) {
    ASSERT_FALSE(questions.empty()) << i;
    EXPECT_LE(questions.size(), 2U);
    read("text number " + std::to_string(i));
  }
  EXPECT_TRUE(questions.empty());
  embedded();
  write();
  EXPECT_EQ(written().images.size(), 6U);
  EXPECT_EQ(written().warning.code, ec::none);
  for (int i = 0; i < 6; ++i)
    EXPECT_NE(text_of_chunks().find("text number " + std::to_string(i)), std::string::npos) << i;
}

TEST_F(image_test, that_cannot_be_read_costs_its_text_and_is_said) {
  start();
  ASSERT_TRUE(deliver(lease_of(5)));
  extracted(scan(2));
  read(fail(ec::extraction_crashed, "the parser crashed"));
  read("the other one");
  embedded();
  write();
  EXPECT_EQ(written().failure, ec::none);
  EXPECT_EQ(written().warning.code, ec::partly_read);
  EXPECT_EQ(written().warning.message.substr(0, 2), "1 ");
  EXPECT_NE(text_of_chunks().find("the other one"), std::string::npos);
}

TEST_F(image_test, when_the_pool_drains_the_document_goes_back) {
  start();
  ASSERT_TRUE(deliver(lease_of(5)));
  extracted(scan(1));
  read(fail(ec::draining, "the node is shutting down"));
  ASSERT_EQ(log->returned.size(), 1U);
  EXPECT_EQ(log->returned[0].reason, release_reason::drained);
}

TEST_F(image_test, of_an_actor_that_dies_is_read_by_its_successor) {
  start();
  ASSERT_TRUE(deliver(lease_of(5)));
  extracted(scan(1));
  ASSERT_EQ(questions.size(), 1U);
  for (const auto& actor : image_actors) engine.kill(actor);
  EXPECT_EQ(questions.size(), 2U) << "the second one had its turn";
  while (!questions.empty()) read("too late");
  EXPECT_TRUE(log->returned.empty());
  image_actors = {engine.spawn<image_actor_impl>("image", image_config{{}, image_read_seam})};
  caf::anon_send(roles.images, use_image_roles{image_actors, {}, {}});
  engine.run();
  read("the right one");
  embedded();
  write();
  EXPECT_NE(text_of_chunks().find("the right one"), std::string::npos);
  EXPECT_EQ(text_of_chunks().find("too late"), std::string::npos);
}

TEST_F(image_test, waiting_in_the_pools_queue_does_not_count_as_no_progress) {
  config.deadline = std::chrono::minutes{5};
  start();
  ASSERT_TRUE(deliver(lease_of(5)));
  extracted(scan(1));
  ASSERT_EQ(questions.size(), 1U);
  const auto progress = questions[0].asked.progress;
  ++progress->held;
  engine.advance(std::chrono::minutes{60}, std::chrono::seconds{10});
  EXPECT_EQ(load().state, "describing") << "those before it in the queue have their time";
  --progress->held;
  engine.advance(std::chrono::minutes{4}, std::chrono::seconds{10});
  EXPECT_EQ(load().state, "describing");
  engine.advance(std::chrono::minutes{2}, std::chrono::seconds{10});
  write();
  EXPECT_EQ(written().failure, ec::deadline_exceeded);
}

TEST_F(image_test, waiting_for_an_extractor_does_not_count_against_the_deadline) {
  config.deadline = std::chrono::minutes{5};
  start();
  ASSERT_TRUE(deliver(lease_of(5)));
  engine.advance(std::chrono::minutes{60}, std::chrono::seconds{10});
  EXPECT_TRUE(log->returned.empty()) << "it waits behind others";
  EXPECT_FALSE(log->extended.empty()) << "and keeps its lease";
  ++extractions[0].request.progress->running;
  engine.advance(std::chrono::minutes{6}, std::chrono::seconds{10});
  EXPECT_TRUE(log->returned.empty());
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  EXPECT_EQ(writer.written[0].failure, ec::deadline_exceeded);
}

}  // namespace
}  // namespace millrace
