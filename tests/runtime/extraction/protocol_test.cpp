#include "runtime/extraction/protocol.hpp"

#include <random>

#include <gtest/gtest.h>

namespace millrace::extraction {
namespace {

const std::string hash(64, 'a');

extracted_document sample() {
  extracted_document d;
  d.mime = "text/html";
  d.sha256 = hash;
  d.size = 12'345;
  d.pages = 3;
  d.title = "A title";
  d.skipped_pages = 1;
  d.properties = {{"author", "Somebody"}, {"keywords", "locks, weirs"}};
  d.links = {{2, "https://example.org/"}, {0, "mailto:somebody@example.org"}};
  d.warning = {ec::partly_read, "page 3 is damaged"};
  d.elements.push_back({element_kind::title, 1, 1, "A title", {}});
  d.elements.push_back({element_kind::paragraph, 0, 2, "Grüße", {}});
  d.elements.push_back({element_kind::paragraph, 0, 2, "", {}});
  d.elements.push_back(
      {element_kind::image, 0, 3, "a cat", {hash, "image/png", 640, 480, 999, "part:a/b.png"}});
  return d;
}

std::vector<std::string> encode(std::uint64_t number, const extracted_document& d) {
  std::vector<std::string> frames;
  document_encoder encoder{number, d};
  for (std::string f; encoder.append_next(f); f.clear()) frames.push_back(f);
  return frames;
}

frame only_frame(std::string_view bytes) {
  auto taken = take_frame(bytes);
  EXPECT_TRUE(taken && *taken);
  EXPECT_TRUE(bytes.empty());
  return taken && *taken ? **taken : frame{};
}

/// Feeds whole frames to a decoder, as a node does; an error where one is refused or the last is
/// missing.
result<extracted_document> decode(std::uint64_t number, std::string_view bytes,
                                  std::uint64_t max_text = 1 << 30) {
  document_decoder decoder{number, max_text};
  for (;;) {
    auto taken = take_frame(bytes);
    if (!taken) return tl::unexpected{taken.error()};
    if (!*taken) return fail(ec::internal, "incomplete");
    if ((*taken)->type == frame_type::result) return decoder.finish((*taken)->payload);
    if ((*taken)->type != frame_type::elements) return fail(ec::internal, "another type");
    if (auto added = decoder.add_elements((*taken)->payload); !added)
      return tl::unexpected{added.error()};
  }
}

void expect_same(const extracted_document& a, const extracted_document& b) {
  EXPECT_EQ(a.mime, b.mime);
  EXPECT_EQ(a.sha256, b.sha256);
  EXPECT_EQ(a.size, b.size);
  EXPECT_EQ(a.pages, b.pages);
  EXPECT_EQ(a.title, b.title);
  EXPECT_EQ(a.skipped_pages, b.skipped_pages);
  EXPECT_EQ(a.properties, b.properties);
  EXPECT_EQ(a.warning.code, b.warning.code);
  EXPECT_EQ(a.warning.message, b.warning.message);
  ASSERT_EQ(a.links.size(), b.links.size());
  for (std::size_t i = 0; i < a.links.size(); ++i) {
    EXPECT_EQ(a.links[i].page, b.links[i].page);
    EXPECT_EQ(a.links[i].target, b.links[i].target);
  }
  ASSERT_EQ(a.elements.size(), b.elements.size());
  for (std::size_t i = 0; i < a.elements.size(); ++i) {
    const auto& x = a.elements[i];
    const auto& y = b.elements[i];
    EXPECT_EQ(x.kind, y.kind);
    EXPECT_EQ(x.level, y.level);
    EXPECT_EQ(x.page, y.page);
    EXPECT_EQ(x.text, y.text);
    EXPECT_EQ(x.image.sha256, y.image.sha256);
    EXPECT_EQ(x.image.mime, y.image.mime);
    EXPECT_EQ(x.image.width, y.image.width);
    EXPECT_EQ(x.image.height, y.image.height);
    EXPECT_EQ(x.image.size, y.image.size);
    EXPECT_EQ(x.image.source, y.image.source);
  }
}

TEST(protocol, a_small_document_is_one_frame_and_comes_back_the_same) {
  const auto frames = encode(7, sample());
  ASSERT_EQ(frames.size(), 1U);
  const auto back = decode(7, frames[0]);
  ASSERT_TRUE(back) << back.error().message;
  expect_same(*back, sample());
}

TEST(protocol, a_large_document_travels_in_bounded_frames) {
  auto d = sample();
  d.elements.push_back({element_kind::code, 0, 4, std::string(3'000'000, 'c'), {}});
  for (int i = 0; i < 20'000; ++i)
    d.elements.push_back({element_kind::list_item, 1, 5, "item " + std::to_string(i), {}});
  const auto frames = encode(7, d);
  EXPECT_GT(frames.size(), 10U);
  std::string all;
  for (const auto& f : frames) {
    EXPECT_LE(f.size(), max_frame_bytes);
    all += f;
  }
  const auto back = decode(7, all);
  ASSERT_TRUE(back) << back.error().message;
  expect_same(*back, d);
}

TEST(protocol, requests_progress_failures_and_greetings_come_back_the_same) {
  std::string bytes;
  append_request(bytes, {42, false, {{1, 10}, {2, 20, 7}}});
  const auto r = decode_request(only_frame(bytes).payload);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->max_text_bytes, 42U);
  ASSERT_EQ(r->documents.size(), 2U);
  EXPECT_EQ(r->documents[1].number, 2U);
  EXPECT_EQ(r->documents[1].size, 20U);
  EXPECT_EQ(r->documents[1].known_pages, 7U);
  EXPECT_FALSE(r->images);
  EXPECT_FALSE(r->each_page);

  bytes.clear();
  append_request(bytes, {42, true, {{1, 10}}, true});
  EXPECT_TRUE(decode_request(only_frame(bytes).payload)->images);
  EXPECT_TRUE(decode_request(only_frame(bytes).payload)->each_page);

  bytes.clear();
  append_working(bytes, {3, 1ULL << 40});
  const auto w = decode_working(only_frame(bytes).payload);
  ASSERT_TRUE(w);
  EXPECT_EQ(w->number, 3U);
  EXPECT_EQ(w->bytes, 1ULL << 40);

  bytes.clear();
  append_progress(bytes, {3, 99});
  EXPECT_EQ(decode_progress(only_frame(bytes).payload)->pages, 99U);

  bytes.clear();
  append_failure(bytes, {5, {ec::malformed_document, "it is\ncut short"}});
  const auto f = decode_failure(only_frame(bytes).payload);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->reason.code, ec::malformed_document);
  EXPECT_EQ(f->reason.message, "it is cut short");

  bytes.clear();
  append_hello(bytes);
  EXPECT_EQ(decode_hello(only_frame(bytes).payload), protocol_version);
}

TEST(protocol, an_extractor_cannot_claim_codes_that_are_not_its_own) {
  std::string bytes;
  append_failure(bytes, {5, {ec::stale_token, "x"}});
  EXPECT_EQ(decode_failure(only_frame(bytes).payload)->reason.code, ec::extraction_crashed);
  bytes.replace(bytes.find("extraction_crashed"), 18, "database_unavailab");
  EXPECT_FALSE(decode_failure(only_frame(bytes).payload));
}

TEST(protocol, a_frame_cut_at_any_byte_is_incomplete_and_its_payload_is_refused) {
  std::string request_bytes;
  append_request(request_bytes, {42, true, {{1, 10, 0}, {2, 20, 0}}});
  for (const auto& bytes : {encode(7, sample())[0], request_bytes}) {
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      auto part = std::string_view{bytes}.substr(0, cut);
      const auto taken = take_frame(part);
      ASSERT_TRUE(taken);
      EXPECT_FALSE(*taken) << cut;
      EXPECT_EQ(part.size(), cut);
    }
  }
  const auto answer_bytes = encode(7, sample())[0];
  const auto document = only_frame(answer_bytes);
  for (std::size_t cut = 0; cut < document.payload.size(); ++cut)
    EXPECT_FALSE((document_decoder{7, 1000}.finish(std::string{document.payload.substr(0, cut)})))
        << cut;
  const auto asked = only_frame(request_bytes).payload;
  for (std::size_t cut = 0; cut < asked.size(); ++cut)
    EXPECT_FALSE(decode_request(asked.substr(0, cut))) << cut;
}

TEST(protocol, bytes_after_the_end_of_a_payload_are_refused) {
  const auto bytes = encode(7, sample())[0];
  EXPECT_FALSE((document_decoder{7, 1000}.finish(std::string{only_frame(bytes).payload} + "x")));
}

TEST(protocol, a_length_above_the_limit_is_refused_before_anything_is_read) {
  std::string_view huge{"\xFF\xFF\xFF\x7F\x05", 5};
  EXPECT_FALSE(take_frame(huge));
  std::string_view unknown{"\x01\x00\x00\x00\x0B", 5};
  EXPECT_FALSE(take_frame(unknown));
}

TEST(protocol, a_request_for_none_or_too_many_documents_is_refused) {
  std::string bytes;
  append_request(bytes, {42, true, {}});
  EXPECT_FALSE(decode_request(only_frame(bytes).payload));
  bytes.clear();
  append_request(bytes, {42, true, std::vector<document_request>(max_frame_documents + 1)});
  EXPECT_FALSE(decode_request(only_frame(bytes).payload));
}

TEST(protocol, more_text_than_the_limit_is_refused) {
  const auto bytes = encode(7, sample())[0];
  const std::uint64_t text = 7 + 7 + 5;  // "A title", "Grüße" in UTF-8, "a cat"
  EXPECT_TRUE(decode(7, bytes, text));
  EXPECT_FALSE(decode(7, bytes, text - 1));
}

TEST(protocol, an_answer_for_another_document_is_refused) {
  EXPECT_FALSE(decode(8, encode(7, sample())[0]));
}

TEST(protocol, text_that_is_not_utf8_is_cleaned) {
  auto d = sample();
  d.elements[1].text = std::string{
      "a\xFF"
      "b\0c",
      5};
  const auto back = decode(7, encode(7, d)[0]);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->elements[1].text,
            "a\xEF\xBF\xBD"
            "bc");
}

/// Whatever bytes arrive, decoding ends with a document within its limits or an error.
TEST(protocol, mutated_frames_never_break_the_decoder) {
  auto d = sample();
  d.elements.push_back({element_kind::code, 0, 4, std::string(600'000, 'c'), {}});
  std::string original;
  for (const auto& f : encode(7, d)) original += f;
  std::mt19937 random{20240229};
  const auto pick = [&](std::size_t below) {
    return std::uniform_int_distribution<std::size_t>{0, below - 1}(random);
  };
  int accepted = 0;
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    auto bytes = original;
    for (auto changes = 1 + pick(4); changes > 0; --changes) {
      const auto at = pick(2) == 0 ? pick(300) : pick(bytes.size());  // the heads matter most
      if (const auto how = pick(3); how == 0)
        bytes[at] = static_cast<char>(pick(256));
      else if (how == 1)
        bytes.erase(at, 1 + pick(8));
      else
        bytes.insert(at, 1 + pick(8), static_cast<char>(pick(256)));
    }
    const auto back = decode(7, bytes, 1'000'000);
    ++(back ? accepted : refused);
    if (!back) continue;
    std::size_t text = 0;
    for (const auto& e : back->elements) text += e.text.size();
    EXPECT_LE(text, 3'000'000U);  // a replaced byte becomes three
    EXPECT_LE(back->elements.size(), max_elements);
  }
  EXPECT_GT(accepted, 0);
  EXPECT_GT(refused, 0);
}

TEST(protocol, finished_pages_and_the_rest_make_the_same_document) {
  const auto d = sample();
  std::string bytes;
  document_encoder first{7, std::span{d.elements}.first(2)};
  while (first.append_next(bytes)) {
  }
  document_encoder rest{7, d, 2};
  while (rest.append_next(bytes)) {
  }
  const auto back = decode(7, bytes);
  ASSERT_TRUE(back) << back.error().message;
  expect_same(*back, d);
  document_encoder nothing{7, std::span<const element>{}};
  EXPECT_FALSE(nothing.append_next(bytes));
}

TEST(protocol, image_requests_identities_and_redirects_come_back_the_same) {
  std::string bytes;
  append_image_request(bytes, {4, 99, "page:3", "eng+deu"});
  const auto image = decode_image_request(only_frame(bytes).payload);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->number, 4U);
  EXPECT_EQ(image->size, 99U);
  EXPECT_EQ(image->source, "page:3");
  EXPECT_EQ(image->languages, "eng+deu");

  bytes.clear();
  append_identity(bytes, {4, hash, 99, 12});
  const auto identity = decode_identity(only_frame(bytes).payload);
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->sha256, hash);
  EXPECT_EQ(identity->skipped_pages, 12U);
  EXPECT_EQ(identity->mime, "");

  bytes.clear();
  append_identity(bytes, {4, hash, 99, 12, "application/pdf", 40, "A title"});
  const std::string whole{only_frame(bytes).payload};
  const auto known = decode_identity(whole);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->mime, "application/pdf");
  EXPECT_EQ(known->pages, 40U);
  EXPECT_EQ(known->title, "A title");
  // As parsers send it that tell nothing more: a number, a string of 64 bytes, two more numbers.
  const auto old_length = 8 + 4 + 64 + 8 + 4;
  EXPECT_TRUE(decode_identity(std::string_view{whole}.substr(0, old_length)));
  EXPECT_FALSE(decode_identity(std::string_view{whole}.substr(0, old_length + 1)));

  bytes.clear();
  append_redirect(bytes, {4, "image/vnd.dwg"});
  EXPECT_EQ(decode_redirect(only_frame(bytes).payload)->mime, "image/vnd.dwg");
}

TEST(protocol, links_beyond_a_frame_are_left_out) {
  auto d = sample();
  d.links.assign(10'000, {1, std::string(4'000, 'u')});
  const auto frames = encode(7, d);
  for (const auto& f : frames) EXPECT_LE(f.size(), max_frame_bytes);
  const auto back = decode(7, frames.back());
  ASSERT_TRUE(back);
  EXPECT_GT(back->links.size(), 50U);
  EXPECT_LT(back->links.size(), 100U);
}

TEST(protocol, only_warnings_are_warnings) {
  auto d = sample();
  d.warning.code = ec::malformed_document;
  EXPECT_FALSE(decode(7, encode(7, d).back()));
}

}  // namespace
}  // namespace millrace::extraction
