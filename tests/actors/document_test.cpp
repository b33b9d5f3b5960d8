// The document actor: one document from its lease to the committer's acceptance, and what becomes
// of it when a stage fails.
#include <gmock/gmock.h>

#include "runtime/queue/attempt_policy.hpp"
#include "tests/actors/document_fixture.hpp"

namespace millrace {
namespace {

TEST_F(document_test, asks_for_one_lease_and_carries_it_through_every_stage) {
  start();
  EXPECT_EQ(log->demanded, 1U);
  EXPECT_EQ(load().state, "idle");
  ASSERT_TRUE(deliver(lease_of(5)));
  EXPECT_EQ(load().state, "extracting");
  EXPECT_EQ(load().carrying, "file:///documents/5.txt");
  ASSERT_EQ(extractions.size(), 1U);
  EXPECT_EQ(extractions[0].request.path, "/documents/5.txt");
  EXPECT_FALSE(deliver(lease_of(6)));  // one at a time
  extracted(text_document({"Some words.", "Others."}));
  EXPECT_EQ(load().state, "embedding");
  ASSERT_EQ(provider->calls.size(), 1U);
  const auto texts = provider->calls[0].inputs;
  embedded();
  EXPECT_EQ(load().state, "idle");  // accepted: the committer answers for it now
  EXPECT_EQ(load().carrying, "");
  EXPECT_EQ(log->demanded, 2U);
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  const auto& w = writer.written[0];
  EXPECT_EQ(w.token, 5);
  EXPECT_EQ(w.document_id, 1005);
  EXPECT_EQ(w.failure, ec::none);
  EXPECT_EQ(w.mime, "text/plain");
  EXPECT_EQ(w.options, "chunk=512/64");
  ASSERT_EQ(w.chunks.size(), texts.size());
  ASSERT_EQ(w.embeddings.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(w.chunks[i].text, texts[i]);
    EXPECT_EQ(w.embeddings[i], embedding_of(texts[i]));
  }
  EXPECT_TRUE(log->returned.empty());
  EXPECT_EQ(log->ended, (std::vector<std::int64_t>{5}));
}

TEST_F(document_test, takes_its_next_document_from_what_was_claimed_ahead) {
  config.book = std::make_shared<lease_book>();
  provider->at_once = true;
  start();
  config.book->add({lease_of(6), lease_of(7)});
  config.book->open(1);
  ASSERT_TRUE(deliver(lease_of(5)));
  extracted(text_document({"Five."}));
  EXPECT_EQ(load().carrying, "file:///documents/6.txt");
  EXPECT_EQ(log->claims_wanted, 0);
  extracted(text_document({"Six."}));
  EXPECT_EQ(load().carrying, "file:///documents/7.txt");
  EXPECT_EQ(log->claims_wanted, 1) << "the last one that was there";
  EXPECT_EQ(log->demands, 1) << "it was asked for the first one only";
  EXPECT_EQ(config.book->count().delivered, 1U);
  extracted(text_document({"Seven."}));
  EXPECT_EQ(load().state, "idle");
  EXPECT_EQ(log->demands, 2);
  EXPECT_EQ(config.book->count().delivered, 0U);
}

TEST_F(document_test, takes_nothing_that_was_claimed_ahead_while_its_node_drains) {
  config.book = std::make_shared<lease_book>();
  provider->at_once = true;
  start();
  config.book->add({lease_of(6)});
  config.book->open(1);
  ASSERT_TRUE(deliver(lease_of(5)));
  roles.draining = true;
  announce();
  extracted(text_document({"Five."}));
  EXPECT_EQ(load().state, "idle");
  EXPECT_EQ(config.book->count().buffered, 1U);
}

TEST_F(document_test, many_chunks_are_embedded_slice_by_slice_in_order) {
  config.chunking = {.max_tokens = 16, .overlap_tokens = 0};
  provider->at_once = true;
  start();
  ASSERT_TRUE(deliver(lease_of(1)));
  std::vector<std::string> paragraphs;
  for (int i = 0; i < 700; ++i)
    paragraphs.push_back("Paragraph number " + std::to_string(i) +
                         " has so many words that no other one fits beside it here.");
  extracted(text_document(paragraphs));
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  const auto& w = writer.written[0];
  EXPECT_GT(w.chunks.size(), 2 * document_actor_impl::slice_chunks);
  ASSERT_EQ(w.embeddings.size(), w.chunks.size());
  for (std::size_t i = 0; i < w.chunks.size(); ++i)
    ASSERT_EQ(w.embeddings[i], embedding_of(w.chunks[i].text)) << i;
  EXPECT_GE(provider->calls_made, 3U);
}

TEST_F(document_test, an_empty_document_ends_ready_without_chunks) {
  start();
  ASSERT_TRUE(deliver(lease_of(1)));
  extracted(text_document({}));
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  EXPECT_EQ(writer.written[0].failure, ec::none);
  EXPECT_TRUE(writer.written[0].chunks.empty());
  EXPECT_EQ(provider->calls_made, 0U);
}

TEST_F(document_test, an_error_that_would_come_again_ends_it_failed) {
  start();
  ASSERT_TRUE(deliver(lease_of(1)));
  extracted(fail(ec::encrypted_document, "it wants a password"));
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  EXPECT_EQ(writer.written[0].failure, ec::encrypted_document);
  EXPECT_EQ(writer.written[0].failure_message, "it wants a password");
  EXPECT_FALSE(writer.written[0].dead_letter);
  EXPECT_TRUE(log->returned.empty());
  EXPECT_EQ(log->demanded, 2U);
}

TEST_F(document_test, an_error_that_may_pass_gives_it_back_as_failed) {
  start();
  auto work = lease_of(1);
  work.failures = 2;
  ASSERT_TRUE(deliver(work));
  extracted(fail(ec::extractor_missing, "it does not start"));
  ASSERT_EQ(log->returned.size(), 1U);
  EXPECT_EQ(log->returned[0].token, 1);
  EXPECT_EQ(log->returned[0].reason, release_reason::failed);
  EXPECT_EQ(log->returned[0].delay_ms,
            static_cast<std::uint64_t>(retry_delay(config.queue, 2).count()));
  EXPECT_TRUE(writer.groups.empty());
  EXPECT_EQ(log->demanded, 2U);
}

TEST_F(document_test, one_whose_parsers_are_killed_from_outside_goes_back_without_blame) {
  start();
  auto work = lease_of(1);
  work.failures = config.queue.max_attempts - 1;
  ASSERT_TRUE(deliver(work));
  extracted(fail(ec::extraction_killed, "the parser was killed from outside"));
  ASSERT_EQ(log->returned.size(), 1U);
  EXPECT_EQ(log->returned[0].reason, release_reason::lost);
  EXPECT_EQ(log->returned[0].delay_ms, static_cast<std::uint64_t>(away_delay.count()));
  EXPECT_TRUE(writer.groups.empty());
}

TEST_F(document_test, the_last_attempt_makes_a_dead_letter) {
  start();
  auto work = lease_of(1);
  work.failures = config.queue.max_attempts - 1;
  ASSERT_TRUE(deliver(work));
  extracted(fail(ec::extractor_missing, "it does not start"));
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  EXPECT_EQ(writer.written[0].failure, ec::extractor_missing);
  EXPECT_TRUE(writer.written[0].dead_letter);
  EXPECT_EQ(writer.written[0].failures, config.queue.max_attempts - 1);
}

TEST_F(document_test, a_paused_provider_gives_it_back_without_blame) {
  start();
  ASSERT_TRUE(deliver(lease_of(1)));
  extracted(text_document({"words"}));
  provider->refuse({ec::embedding_paused, "no quota"});
  engine.run();
  ASSERT_EQ(log->returned.size(), 1U);
  EXPECT_EQ(log->returned[0].reason, release_reason::drained);
  EXPECT_EQ(log->pauses.size(), 1U);
  EXPECT_TRUE(writer.groups.empty());
}

TEST_F(document_test, a_document_whose_holders_vanished_too_often_is_not_tried_again) {
  start();
  auto work = lease_of(1);
  work.losses = config.queue.max_losses;
  ASSERT_TRUE(deliver(work));
  EXPECT_TRUE(extractions.empty());
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  EXPECT_TRUE(writer.written[0].dead_letter);
  EXPECT_EQ(writer.written[0].failure, ec::extraction_crashed);
}

TEST_F(document_test, a_uri_of_another_scheme_fails_with_a_sentence) {
  start();
  auto work = lease_of(1);
  work.uri = "s3://bucket/a.txt";
  ASSERT_TRUE(deliver(work));
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  EXPECT_EQ(writer.written[0].failure, ec::source_missing);
}

TEST_F(document_test, asks_a_restarted_embedder_again) {
  start();
  ASSERT_TRUE(deliver(lease_of(1)));
  extracted(text_document({"words"}));
  ASSERT_EQ(provider->calls.size(), 1U);
  engine.kill(roles.embedder);
  EXPECT_EQ(load().state, "embedding");
  EXPECT_TRUE(log->returned.empty());
  roles.embedder = new_embedder();
  announce();
  ASSERT_EQ(provider->calls.size(), 2U);
  embedded();  // the dead one's answer goes nowhere
  EXPECT_EQ(load().state, "embedding");
  embedded();
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  EXPECT_EQ(writer.written[0].embeddings.size(), 1U);
  EXPECT_TRUE(log->returned.empty());
}

TEST_F(document_test, hands_over_again_to_a_restarted_committer) {
  start();
  engine.kill(roles.committer);
  ASSERT_TRUE(deliver(lease_of(1)));
  extracted(text_document({"words"}));
  embedded();
  EXPECT_EQ(load().state, "committing");
  roles.committer = new_committer();
  announce();
  EXPECT_EQ(load().state, "idle");
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  EXPECT_EQ(writer.written[0].chunks.size(), 1U);
  EXPECT_EQ(writer.written[0].embeddings.size(), 1U);
}

TEST_F(document_test, a_restarted_puller_is_asked_again) {
  start();
  EXPECT_EQ(log->demanded, 1U);
  engine.kill(roles.puller);
  log = std::make_shared<puller_log>();
  roles.puller = spawn_puller_log(engine, log);
  announce();
  EXPECT_EQ(log->demands, 1);
  EXPECT_EQ(log->demanded, 2U) << "another lease than the first one that was asked for";
}

TEST_F(document_test, a_drain_gives_the_lease_back_at_every_stage) {
  start();
  caf::anon_send(document, drain_atom_v);
  engine.run();
  EXPECT_TRUE(log->returned.empty());  // idle: nothing to give back
  for (int stages = 0; stages < 2; ++stages) {
    ASSERT_TRUE(deliver(lease_of(stages + 1)));
    if (stages > 0) extracted(text_document({"words"}));
    caf::anon_send(document, drain_atom_v);
    engine.run();
    ASSERT_EQ(log->returned.size(), static_cast<std::size_t>(stages + 1));
    EXPECT_EQ(log->returned.back().token, stages + 1);
    EXPECT_EQ(log->returned.back().reason, release_reason::drained);
    EXPECT_EQ(load().state, "idle");
    // What comes late for it is dropped.
    if (stages == 0)
      extracted(text_document({"late"}));
    else
      embedded();
    EXPECT_EQ(load().state, "idle");
  }
  EXPECT_TRUE(writer.groups.empty());
}

TEST_F(document_test, an_answer_for_an_earlier_lease_does_not_touch_the_next) {
  start();
  ASSERT_TRUE(deliver(lease_of(1)));
  caf::anon_send(document, drain_atom_v);
  engine.run();
  ASSERT_TRUE(deliver(lease_of(2)));
  extracted(fail(ec::encrypted_document, "of the first"));
  EXPECT_EQ(load().state, "extracting");
  extracted(text_document({}));
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  EXPECT_EQ(writer.written[0].token, 2);
  EXPECT_EQ(writer.written[0].failure, ec::none);
}

TEST_F(document_test, every_step_extends_the_lease_and_standing_still_does_not) {
  constexpr auto tick = document_actor_impl::longest_tick;
  start();
  ASSERT_TRUE(deliver(lease_of(1)));
  ++extractions[0].request.progress->running;
  engine.advance(tick, tick);
  EXPECT_EQ(log->extended, (std::vector<std::int64_t>{1})) << "it began";
  engine.advance(3 * tick, tick);
  EXPECT_EQ(log->extended.size(), 1U) << "nothing happened since";
  extractions[0].request.progress->pages = 7;
  engine.advance(2 * tick, tick);
  EXPECT_EQ(log->extended.size(), 2U) << "pages were finished";
  extracted(text_document({"words"}));
  engine.advance(2 * tick, tick);
  EXPECT_EQ(log->extended.size(), 3U) << "it was extracted";
  embedded();
  engine.advance(2 * tick, tick);
  EXPECT_EQ(log->extended.size(), 3U) << "it is with the committer";
}

TEST_F(document_test, a_document_over_its_deadline_of_work_ends_failed) {
  constexpr auto tick = document_actor_impl::longest_tick;
  config.deadline = 4 * tick;
  start();
  ASSERT_TRUE(deliver(lease_of(1)));
  ++extractions[0].request.progress->running;
  for (std::uint32_t page = 1; page < 4; ++page) {
    extractions[0].request.progress->pages = page;
    engine.advance(tick, tick);
  }
  EXPECT_TRUE(writer.groups.empty());
  extractions[0].request.progress->pages = 4;
  engine.advance(tick, tick);
  EXPECT_EQ(load().state, "idle");
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  EXPECT_EQ(writer.written[0].failure, ec::deadline_exceeded);
  EXPECT_TRUE(log->returned.empty());
  EXPECT_EQ(log->demanded, 2U);
}

TEST_F(document_test, an_image_that_is_never_answered_ends_its_document) {
  constexpr auto tick = document_actor_impl::longest_tick;
  config.deadline = 4 * tick;
  std::vector<image_answer> never;
  image_read_seam = [&](const image_question&, image_answer done) {
    never.push_back(std::move(done));
  };
  start();
  ASSERT_TRUE(deliver(lease_of(1)));
  extracted_document read = text_document({"words"});
  element e;
  e.kind = element_kind::image;
  e.image = {std::string(64, 'b'), "image/png", 200, 100, 100, "whole"};
  read.elements.push_back(e);
  extracted(std::move(read));
  ASSERT_EQ(never.size(), 1U);
  EXPECT_EQ(load().state, "describing");
  engine.advance(3 * tick, tick);
  EXPECT_EQ(load().state, "describing");
  engine.advance(3 * tick, tick);
  EXPECT_EQ(load().state, "idle");
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  EXPECT_EQ(writer.written[0].failure, ec::deadline_exceeded);
  EXPECT_NE(writer.written[0].failure_message.find("1 are left"), std::string::npos)
      << writer.written[0].failure_message;
}

TEST_F(document_test, one_whose_results_could_never_be_written_is_a_dead_letter) {
  start();
  auto work = lease_of(1);
  work.failures = config.queue.max_attempts;
  ASSERT_TRUE(deliver(std::move(work)));
  EXPECT_TRUE(extractions.empty());
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  EXPECT_TRUE(writer.written[0].dead_letter);
  EXPECT_EQ(writer.written[0].failure, ec::internal);
}

/// A grant that comes too late must not count against the embedder's limit for ever.
TEST_F(document_test, a_document_that_gives_up_while_it_waits_for_a_grant_keeps_no_room) {
  embedder_limit = {1, 1ULL << 20};
  start();
  const auto other = document;
  document = new_document();
  announce();
  ASSERT_TRUE(deliver(lease_of(1)));  // takes the only place
  extracted(text_document({"first"}));
  const auto first = document;
  document = other;
  ASSERT_TRUE(deliver(lease_of(2)));
  extracted(text_document({"second"}));  // waits for room
  caf::anon_send(other, drain_atom_v);
  engine.run();
  embedded();  // makes room, and grants it to the one that gave up
  document = first;
  ASSERT_TRUE(deliver(lease_of(3)));
  extracted(text_document({"third"}));
  document = other;
  ASSERT_TRUE(deliver(lease_of(4)));
  extracted(text_document({"fourth"}));
  for (int i = 0; i < 4 && !provider->calls.empty(); ++i) embedded();
  while (!writer.groups.empty()) write();
  EXPECT_EQ(writer.written.size(), 3U);
}

TEST_F(document_test, each_image_is_kept_once_and_decoration_is_dropped) {
  start();
  ASSERT_TRUE(deliver(lease_of(1)));
  extracted_document read = text_document({"words"});
  const auto add = [&](std::uint32_t page, char hash, std::uint32_t width, std::uint32_t height) {
    element e;
    e.kind = element_kind::image;
    e.page = page;
    e.text = std::string{"picture "} + hash;
    e.image = {std::string(64, hash), "image/png", width, height, 100};
    read.elements.push_back(e);
  };
  add(2, 'b', 200, 100);
  add(1, 'c', 300, 300);
  add(3, 'b', 200, 100);                                      // again
  add(1, 'd', 8, 8);                                          // a bullet
  add(1, 'e', 1000, 40);                                      // a rule
  for (char c = 'f'; c < 'f' + 12; ++c) add(4, c, 100, 100);  // more than fly at one time
  provider->at_once = true;
  extracted(std::move(read));
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  const auto& images = writer.written[0].images;
  ASSERT_EQ(images.size(), 14U);
  EXPECT_EQ(images[0].info.sha256, std::string(64, 'c'));
  EXPECT_EQ(images[1].info.sha256, std::string(64, 'b'));
  EXPECT_EQ(images[1].page, 2U);
  EXPECT_EQ(images[1].text, "picture b");
}

/// Text of one version and images of another are never committed together.
TEST_F(document_test, one_whose_file_changed_is_read_again) {
  std::vector<image_question> asked;
  image_read_seam = [&](image_question question, const image_answer& done) {
    asked.push_back(std::move(question));
    done(fail(ec::source_changed, "it was changed"));
  };
  start();
  ASSERT_TRUE(deliver(lease_of(1)));
  extracted_document read = text_document({"words"});
  read.version = {100, 7};
  element e;
  e.kind = element_kind::image;
  e.image = {std::string(64, 'b'), "image/png", 200, 100, 100, "whole"};
  read.elements.push_back(e);
  extracted(std::move(read));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].version, (file_version{100, 7}));
  EXPECT_TRUE(writer.groups.empty());
  ASSERT_EQ(log->returned.size(), 1U);
  EXPECT_EQ(log->returned[0].reason, release_reason::failed) << "an attempt";
}

/// An image actor that dies is no fault of the document.
TEST_F(document_test, a_dead_image_actor_does_not_end_the_document) {
  start();
  for (const auto& i : image_actors) engine.kill(i);
  ASSERT_TRUE(deliver(lease_of(1)));
  extracted_document read = text_document({"words"});
  element e;
  e.kind = element_kind::image;
  e.image = {std::string(64, 'b'), "image/png", 200, 100, 100};
  read.elements.push_back(e);
  extracted(std::move(read));
  for (const auto& group : writer.groups)
    for (const auto& d : group.documents) EXPECT_EQ(d.failure, ec::none) << d.failure_message;
  for (const auto& r : log->returned) EXPECT_NE(r.reason, release_reason::failed);
}

}  // namespace
}  // namespace millrace
