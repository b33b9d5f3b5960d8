#include "runtime/images/image_reader.hpp"

#include <deque>

#include <gtest/gtest.h>

namespace millrace {
namespace {

/// A pool that answers when the test says so.
struct scripted_pool {
  struct call {
    extraction_request request;
    extraction_callback done;
  };
  std::deque<call> calls;
  image_reader reader{[this](extraction_request request, extraction_callback done) {
    calls.push_back({std::move(request), std::move(done)});
  }};
  std::vector<result<std::string>> answers;

  void ask(std::int64_t dataset, char image, const std::string& path = "/a.docx") {
    image_info info;
    info.sha256 = std::string(64, image);
    info.source = std::string{"part:"} + image;
    reader.read({dataset, path, {1'000, 7}, info},
                [this](result<std::string> text) { answers.push_back(std::move(text)); });
  }
  void answer(result<std::string> text) {
    auto next = std::move(calls.front());
    calls.pop_front();
    if (!text) return next.done(tl::unexpected<error>(text.error()));
    extracted_document d;
    if (!text->empty()) d.elements.push_back({element_kind::image, 0, 0, *text, {}});
    next.done(std::move(d));
  }
};

TEST(image_reader, an_image_of_a_dataset_is_read_once) {
  scripted_pool p;
  p.ask(1, 'a');
  p.ask(1, 'a', "/b.docx");
  ASSERT_EQ(p.calls.size(), 1U) << "the second waits for the first";
  EXPECT_EQ(p.calls[0].request.path, "/a.docx");
  EXPECT_EQ(p.calls[0].request.image_source, "part:a");
  EXPECT_EQ(p.calls[0].request.version, (file_version{1'000, 7}));
  p.answer("says so");
  p.ask(1, 'a');
  EXPECT_TRUE(p.calls.empty()) << "it is remembered";
  ASSERT_EQ(p.answers.size(), 3U);
  for (const auto& text : p.answers) EXPECT_EQ(text, "says so");
}

TEST(image_reader, other_datasets_and_other_images_are_read_by_themselves) {
  scripted_pool p;
  p.ask(1, 'a');
  p.ask(2, 'a');
  p.ask(1, 'b');
  EXPECT_EQ(p.calls.size(), 3U);
}

TEST(image_reader, an_image_without_text_is_remembered_too) {
  scripted_pool p;
  p.ask(1, 'a');
  p.answer("");
  p.ask(1, 'a');
  EXPECT_TRUE(p.calls.empty());
  EXPECT_EQ(p.answers.back(), "");
}

TEST(image_reader, what_the_pool_has_given_up_is_not_tried_again_nor_remembered) {
  scripted_pool p;
  p.ask(1, 'b');
  p.answer(fail(ec::extraction_crashed, "crashed"));
  EXPECT_TRUE(p.calls.empty()) << "the pool has tried it as often as it should be";
  EXPECT_EQ(p.answers.at(0).error().message, "crashed");
  p.ask(1, 'c');
  p.answer(fail(ec::malformed_document, "broken"));
  EXPECT_TRUE(p.calls.empty());
  EXPECT_EQ(p.answers.at(1).error().code, ec::malformed_document);
  p.ask(1, 'c');
  EXPECT_EQ(p.calls.size(), 1U) << "what failed is not remembered";
}

// The parser of one document was killed, or its file changed: that says nothing about the others.
TEST(image_reader, what_befell_one_document_is_not_the_answer_to_the_others) {
  for (const auto code : {ec::extraction_killed, ec::source_changed, ec::source_missing}) {
    scripted_pool p;
    for (const char* path : {"/a.docx", "/b.docx", "/c.docx"}) p.ask(1, 'a', path);
    p.answer(fail(code, "of a"));
    ASSERT_EQ(p.answers.size(), 1U) << "only who asked is told";
    EXPECT_EQ(p.answers[0].error().code, code);
    ASSERT_EQ(p.calls.size(), 1U) << "the next asks for itself";
    EXPECT_EQ(p.calls[0].request.path, "/b.docx");
    p.ask(1, 'a', "/d.docx");
    EXPECT_EQ(p.calls.size(), 1U) << "whoever comes then waits, too";
    p.answer("says so");
    ASSERT_EQ(p.answers.size(), 4U);
    for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(p.answers[i], "says so");
  }
}

TEST(image_reader, what_befalls_all_is_the_answer_to_all) {
  for (const auto code : {ec::extraction_crashed, ec::draining}) {
    scripted_pool p;
    for (const char* path : {"/a.docx", "/b.docx"}) p.ask(1, 'a', path);
    p.answer(fail(code, "of all"));
    EXPECT_TRUE(p.calls.empty());
    ASSERT_EQ(p.answers.size(), 2U);
  }
}

TEST(image_reader, remembers_only_so_much) {
  scripted_pool p;
  const auto large = image_reader::max_remembered_bytes / 3;
  for (const char image : {'a', 'b', 'c'}) {
    p.ask(1, image);
    p.answer(std::string(large, image));
    p.ask(1, 'a');  // used just now
    if (!p.calls.empty()) FAIL() << image;
  }
  p.ask(1, 'b');
  EXPECT_EQ(p.calls.size(), 1U) << "the one that was not used for longest is forgotten";
}

}  // namespace
}  // namespace millrace
