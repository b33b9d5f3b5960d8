// What a document leaves behind for its next holder, and what that takes over.
#include "runtime/checkpoints/segment.hpp"
#include "tests/actors/document_fixture.hpp"

namespace millrace {
namespace {

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
    auto d = text_document({"words"});
    add_pictures(d, count);
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
  pieces.extraction = decode_extraction(std::vector<std::string>{saved[0].content});
  ASSERT_TRUE(pieces.extraction.document);
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

finished_pages finished(std::uint32_t first, std::uint32_t end) {
  finished_pages pages{std::string(64, 'a'), 100, first, end, {}};
  for (auto page = first + 1; page <= end; ++page)
    pages.elements.push_back(
        {element_kind::paragraph, 0, page, "words of page " + std::to_string(page), {}});
  return pages;
}

TEST_F(checkpointed_document, pages_that_were_finished_are_saved_at_once_and_not_read_again) {
  start_with_checkpoints();
  ASSERT_TRUE(deliver(lease_of(5)));
  extractions[0].request.pages_finished(finished(0, 40));
  extractions[0].request.pages_finished(finished(40, 50));
  engine.run();
  ASSERT_EQ(saved.size(), 2U);
  EXPECT_EQ(saved[1].number, 1U);
  extracted(fail(ec::extraction_memory, "too much"));
  ASSERT_EQ(log->returned.size(), 1U) << "it moved on, so it is tried again";
  EXPECT_EQ(log->returned[0].reason, release_reason::failed);

  ASSERT_TRUE(deliver(lease_with_checkpoints(6)));
  auto pieces = pieces_of_same();
  pieces.extraction =
      decode_extraction(std::vector<std::string>{saved[0].content, saved[1].content});
  restore(std::move(pieces));
  engine.run();
  ASSERT_EQ(extractions.size(), 1U);
  EXPECT_EQ(extractions[0].request.known_pages, 50U);
  auto rest = text_document({"words of page 51"});
  rest.skipped_pages = 50;
  rest.pages = 51;
  extracted(std::move(rest));
  ASSERT_EQ(saved.size(), 3U) << "so that the whole is there";
  EXPECT_EQ(saved[2].number, 2U);
  const auto whole = decode_extraction(
      std::vector<std::string>{saved[0].content, saved[1].content, saved[2].content});
  ASSERT_TRUE(whole.document);
  EXPECT_EQ(whole.document->elements.size(), 51U);
  embed_all();
  write();
  const auto& w = writer.written.at(0);
  EXPECT_EQ(w.pages, 51U);
  std::string all;
  for (const auto& c : w.chunks) all += c.text + "\n";
  for (int page = 1; page <= 51; ++page)
    EXPECT_NE(all.find("page " + std::to_string(page)), std::string::npos) << page;
}

TEST_F(checkpointed_document, without_new_pages_too_much_memory_is_final) {
  start_with_checkpoints();
  ASSERT_TRUE(deliver(lease_of(5)));
  extracted(fail(ec::extraction_memory, "too much"));
  write();
  EXPECT_EQ(writer.written.at(0).failure, ec::extraction_memory);
}

/// What the pool answers if the first page that is not known kills its parser.
TEST_F(checkpointed_document, whose_next_page_cannot_be_read_ends_with_those_that_were_saved) {
  start_with_checkpoints();
  ASSERT_TRUE(deliver(lease_with_checkpoints(5)));
  auto pieces = pieces_of_same();
  pieces.extraction = decode_extraction(std::vector<std::string>{encode_pages(finished(0, 40))});
  restore(std::move(pieces));
  engine.run();
  auto nothing_more = text_document({});
  nothing_more.skipped_pages = 40;
  nothing_more.pages = 60;
  nothing_more.warning = {ec::partly_read, "only the first 40 pages or parts were read"};
  extracted(std::move(nothing_more));
  embed_all();
  write();
  const auto& w = writer.written.at(0);
  EXPECT_EQ(w.failure, ec::none);
  EXPECT_EQ(w.warning.code, ec::partly_read);
  EXPECT_EQ(w.pages, 60U);
  std::string all;
  for (const auto& c : w.chunks) all += c.text + "\n";
  for (int page = 1; page <= 40; ++page)
    EXPECT_NE(all.find("page " + std::to_string(page)), std::string::npos) << page;
}

TEST_F(checkpointed_document, a_source_that_changed_is_read_from_its_first_page) {
  start_with_checkpoints();
  ASSERT_TRUE(deliver(lease_with_checkpoints(5)));
  auto pieces = pieces_of_same();
  pieces.extraction = decode_extraction(std::vector<std::string>{encode_pages(finished(0, 40))});
  restore(std::move(pieces));
  engine.run();
  EXPECT_EQ(extractions[0].request.known_pages, 40U);
  auto changed = text_document({"other words"});
  changed.sha256 = std::string(64, 'b');
  changed.skipped_pages = 40;
  extracted(changed);
  ASSERT_EQ(extractions.size(), 1U) << "again";
  EXPECT_EQ(extractions[0].request.known_pages, 0U);
  changed.skipped_pages = 0;
  extracted(changed);
  embed_all();
  write();
  ASSERT_EQ(writer.written.at(0).chunks.size(), 1U);
  EXPECT_EQ(writer.written[0].chunks[0].text, "other words");
}

}  // namespace
}  // namespace millrace
