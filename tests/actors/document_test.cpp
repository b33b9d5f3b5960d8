// The document actor: one document from its lease to the committer's acceptance, and what becomes
// of it when a stage fails.
#include "actors/document.hpp"

#include <gmock/gmock.h>

#include "actors/embedder.hpp"
#include "actors/image.hpp"
#include "runtime/checkpoints/segment.hpp"
#include "tests/actors/engine_fixture.hpp"

namespace millrace {
namespace {

class document_test : public ::testing::Test {
 protected:
  struct extraction {
    extraction_request request;
    extraction_callback done;
  };

  virtual_engine engine;
  std::deque<extraction> extractions;
  std::shared_ptr<scripted_provider> provider = std::make_shared<scripted_provider>();
  scripted_writer writer;
  std::shared_ptr<puller_log> log = std::make_shared<puller_log>();
  document_config config;
  demand embedder_limit{1024, 16ULL << 20};
  use_roles roles;
  document_actor document;

  embedder_actor new_embedder() {
    return engine.spawn<embedder_actor_impl>(
        "embedder",
        embedder_config{.provider = provider, .limit = embedder_limit, .batch_delay = duration{0}});
  }
  committer_actor new_committer() {
    return engine.spawn<committer_actor_impl>(
        "committer", committer_config{.write = writer.seam(), .counters = engine.counters});
  }
  document_actor new_document() {
    return engine.spawn<document_actor_impl>("document", config, 64);
  }

  void start() {
    config.extract = [this](extraction_request request, extraction_callback done) {
      extractions.push_back({std::move(request), std::move(done)});
    };
    config.options = "chunk=512/64";
    config.counters = engine.counters;
    roles.puller = spawn_puller_log(engine, log);
    roles.embedder = new_embedder();
    roles.committer = new_committer();
    for (int i = 0; i < 2; ++i)
      roles.images.push_back(engine.spawn<image_actor_impl>("image", images_settings{}));
    document = new_document();
    announce();
  }
  void announce() {
    caf::anon_send(document, roles);
    caf::anon_send(roles.committer, roles);
    caf::anon_send(roles.embedder, roles);
    engine.run();
  }

  bool deliver(lease work) {
    return engine.ask<lease_accepted>(document, deliver_lease{std::move(work)}).has_value();
  }
  void extracted(result<extracted_document> outcome) {
    auto next = std::move(extractions.front());
    extractions.pop_front();
    next.done(std::move(outcome));
    engine.run();
  }
  void embedded() {
    provider->answer();
    engine.run();
  }
  void write() {
    writer.write();
    engine.run();
  }
  actor_probe::load load() { return engine.probe("document")->current(); }
};

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

/// Collects what a document saves, and lets the test answer what it looks for.
class checkpointed_document : public document_test {
 protected:
  checkpoint_thread::loaded restore;
  std::vector<checkpoint_order> saved;

  void start_with_checkpoints() {
    config.checkpoints.load = [this](const checkpoint_source&, checkpoint_thread::loaded done) {
      restore = std::move(done);
    };
    config.checkpoints.save = [this](checkpoint_order order) { saved.push_back(std::move(order)); };
    config.chunking = {8, 0};
    start();
  }
  static lease lease_with_checkpoints(std::int64_t token) {
    auto work = lease_of(token);
    work.has_checkpoints = true;
    return work;
  }
  saved_pieces pieces_of_same() const {
    saved_pieces pieces;
    pieces.key = checkpoint_key(std::string(64, 'a'), config.options, config.model);
    return pieces;
  }
  static extracted_document long_document() {
    std::vector<std::string> paragraphs;
    for (int i = 0; i < 600; ++i)
      paragraphs.push_back("paragraph number " + std::to_string(i) +
                           " of this long document here.");
    return text_document(paragraphs);
  }
  std::size_t embed_all() {
    std::size_t embedded_now = 0;
    while (!provider->calls.empty()) {
      embedded_now += provider->calls[0].inputs.size();
      embedded();
    }
    return embedded_now;
  }
  static extracted_document pictures(int count) {
    extracted_document d = text_document({"words"});
    for (int i = 0; i < count; ++i) {
      const auto digits = std::to_string(10'000 + i);
      d.elements.push_back({element_kind::image,
                            0,
                            1,
                            "picture " + digits,
                            {std::string(59, 'f') + digits, "image/png", 100, 100, 9}});
    }
    return d;
  }
};

TEST_F(checkpointed_document, goes_on_behind_the_slices_that_an_earlier_holder_had_embedded) {
  start_with_checkpoints();
  ASSERT_TRUE(deliver(lease_with_checkpoints(5)));
  ASSERT_TRUE(extractions.empty()) << "it asks for checkpoints first";
  ASSERT_TRUE(restore);
  const std::vector<embedding_bytes> first(256, "first"), last(50, "last");
  auto pieces = pieces_of_same();
  pieces.embeddings = {{0, first}, {300, last}, {100'000, first}};
  restore(std::move(pieces));
  engine.run();
  extracted(long_document());
  const auto embedded_now = embed_all();
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  const auto& w = writer.written[0];
  ASSERT_EQ(w.embeddings.size(), w.chunks.size());
  EXPECT_EQ(embedded_now, w.chunks.size() - 256 - 50);
  ASSERT_EQ(saved.size(), 1U) << "new slices but the last";
  EXPECT_EQ(saved[0].kind, piece_kind::embeddings);
  EXPECT_EQ(saved[0].number, 256U);
  EXPECT_EQ(w.embeddings[255], "first");
  EXPECT_EQ(w.embeddings[256], embedding_of(w.chunks[256].text));
  EXPECT_EQ(w.embeddings[300], "last");
  EXPECT_EQ(w.embeddings[349], "last");
  EXPECT_EQ(w.embeddings[350], embedding_of(w.chunks[350].text));
}

TEST_F(checkpointed_document, of_other_bytes_nothing_is_taken) {
  start_with_checkpoints();
  ASSERT_TRUE(deliver(lease_with_checkpoints(5)));
  auto pieces = pieces_of_same();
  pieces.embeddings[0] = std::vector<embedding_bytes>(256, "old");
  restore(std::move(pieces));
  engine.run();
  auto changed = long_document();
  changed.sha256 = std::string(64, 'b');
  extracted(std::move(changed));
  const auto embedded_now = embed_all();
  write();
  EXPECT_EQ(embedded_now, writer.written.at(0).chunks.size());
}

TEST_F(checkpointed_document, an_extraction_that_took_long_is_saved_and_not_made_again) {
  start_with_checkpoints();
  ASSERT_TRUE(deliver(lease_of(5)));
  EXPECT_FALSE(restore) << "nobody left anything";
  auto quick = text_document({"some words"});
  quick.reading_time = document_actor_impl::expensive_reading - std::chrono::milliseconds{1};
  extracted(std::move(quick));
  EXPECT_TRUE(saved.empty()) << "made again faster than found";
  embedded();
  write();
  ASSERT_TRUE(deliver(lease_of(6)));
  auto slow = text_document({"other words"});
  slow.reading_time = document_actor_impl::expensive_reading;
  extracted(slow);
  ASSERT_EQ(saved.size(), 1U);
  EXPECT_EQ(saved[0].kind, piece_kind::pages);
  EXPECT_EQ(saved[0].token, 6);
  embedded();
  write();

  ASSERT_TRUE(deliver(lease_with_checkpoints(7)));
  auto pieces = pieces_of_same();
  pieces.document = decode_extraction(std::vector<std::string>{saved[0].content});
  ASSERT_TRUE(pieces.document);
  restore(std::move(pieces));
  engine.run();
  EXPECT_TRUE(extractions.empty()) << "it was read before";
  embedded();
  write();
  ASSERT_EQ(writer.written.size(), 3U);
  EXPECT_EQ(writer.written[2].token, 7);
  EXPECT_EQ(writer.written[2].sha256, slow.sha256);
  ASSERT_EQ(writer.written[2].chunks.size(), 1U);
  EXPECT_EQ(writer.written[2].chunks[0].text, "other words");
}

TEST_F(checkpointed_document, many_images_are_saved_as_they_come_and_described_once) {
  constexpr int count = 150;
  start_with_checkpoints();
  ASSERT_TRUE(deliver(lease_of(5)));
  extracted(pictures(count));
  ASSERT_EQ(saved.size(), 3U);
  auto pieces = pieces_of_same();
  std::size_t before = 0;
  for (const auto& order : saved) {
    EXPECT_EQ(order.kind, piece_kind::images);
    EXPECT_EQ(order.number, before);
    auto images = decode_images(order.content);
    ASSERT_TRUE(images);
    before += images->size();
    if (order.number == 64) continue;  // this one gets lost
    for (auto& i : *images) {
      i.image.text += ", as described before";
      pieces.images[i.image.info.sha256] = i;
    }
  }
  EXPECT_EQ(before, static_cast<std::size_t>(count));
  embed_all();
  write();

  ASSERT_TRUE(deliver(lease_with_checkpoints(6)));
  restore(std::move(pieces));
  engine.run();
  extracted(pictures(count));
  embed_all();
  write();
  const auto& images = writer.written.at(1).images;
  ASSERT_EQ(images.size(), static_cast<std::size_t>(count));
  const auto described_before = std::count_if(images.begin(), images.end(), [](const auto& i) {
    return i.text.ends_with("as described before");
  });
  EXPECT_EQ(described_before, count - 64);
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
  extracted(fail(ec::extraction_crashed, "crash"));
  ASSERT_EQ(log->returned.size(), 1U);
  EXPECT_EQ(log->returned[0].token, 1);
  EXPECT_EQ(log->returned[0].reason, release_reason::failed);
  EXPECT_EQ(log->returned[0].failures, 2);
  EXPECT_TRUE(writer.groups.empty());
  EXPECT_EQ(log->demanded, 2U);
}

TEST_F(document_test, the_last_attempt_makes_a_dead_letter) {
  start();
  auto work = lease_of(1);
  work.failures = config.queue.max_attempts - 1;
  ASSERT_TRUE(deliver(work));
  extracted(fail(ec::extraction_crashed, "crash"));
  write();
  ASSERT_EQ(writer.written.size(), 1U);
  EXPECT_EQ(writer.written[0].failure, ec::extraction_crashed);
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

TEST_F(document_test, a_restarted_puller_is_asked_from_the_start) {
  start();
  EXPECT_EQ(log->demanded, 1U);
  engine.kill(roles.puller);
  log = std::make_shared<puller_log>();
  roles.puller = spawn_puller_log(engine, log);
  announce();
  EXPECT_EQ(log->demands, 1);
  EXPECT_EQ(log->demanded, 1U);
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
  engine.advance(tick, tick);
  EXPECT_EQ(log->extended, (std::vector<std::int64_t>{1})) << "it began";
  engine.advance(3 * tick, tick);
  EXPECT_EQ(log->extended.size(), 1U) << "nothing happened since";
  *extractions[0].request.pages = 7;
  engine.advance(2 * tick, tick);
  EXPECT_EQ(log->extended.size(), 2U) << "pages were finished";
  extracted(text_document({"words"}));
  engine.advance(2 * tick, tick);
  EXPECT_EQ(log->extended.size(), 3U) << "it was extracted";
  embedded();
  engine.advance(2 * tick, tick);
  EXPECT_EQ(log->extended.size(), 3U) << "it is with the committer";
}

TEST_F(document_test, a_document_over_its_deadline_is_tried_again_later) {
  config.deadline = duration{0};
  start();
  ASSERT_TRUE(deliver(lease_of(1)));
  engine.advance(std::chrono::seconds{29}, std::chrono::seconds{1});
  EXPECT_TRUE(log->returned.empty());
  engine.advance(std::chrono::seconds{1}, std::chrono::seconds{1});
  // ec::timeout decides whether it ends failed or is tried again; either way the slot is free.
  EXPECT_EQ(load().state, "idle");
  EXPECT_EQ(log->returned.size() + writer.groups.size(), 1U);
  EXPECT_EQ(log->demanded, 2U);
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

/// An image actor that dies is no fault of the document.
TEST_F(document_test, a_dead_image_actor_does_not_end_the_document) {
  start();
  for (const auto& i : roles.images) engine.kill(i);
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
