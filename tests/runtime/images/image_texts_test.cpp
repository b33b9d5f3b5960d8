#include "runtime/images/image_texts.hpp"

#include <future>

#include <gtest/gtest.h>

#include "runtime/images/image_reader.hpp"
#include "tests/runtime/queue/seeded_queue.hpp"

namespace millrace {
namespace {

using text = std::optional<std::string>;
constexpr std::chrono::seconds answer_limit{30};

template <class T>
T get(std::future<T> from) {
  if (from.wait_for(answer_limit) == std::future_status::ready) return from.get();
  ADD_FAILURE() << "no answer";
  return T{};
}

class image_memory : public ::testing::Test {
 protected:
  text find(image_texts& in, const image_key& key) {
    std::promise<text> answer;
    auto future = answer.get_future();
    in.find(key, [&answer](text found) { answer.set_value(std::move(found)); });
    return get(std::move(future));
  }
  /// Kept by a node that has ended.
  void keep(const image_key& key, const std::string& what, const std::string& languages = "eng") {
    image_texts node{db.pool(), languages};
    node.keep(key, what);
  }
  std::int64_t rows() { return number(db, "select count(*) from image_texts"); }

  test_database db;
  std::int64_t dataset = seed_dataset(db, "d", 1);
  std::string hash = std::string(64, 'a');
};

TEST_F(image_memory, what_one_node_has_read_another_knows) {
  keep({dataset, hash}, "says so");
  keep({dataset, std::string(64, 'b')}, "");
  image_texts there{db.pool(), "eng"};
  EXPECT_EQ(find(there, {dataset, hash}), "says so");
  EXPECT_EQ(find(there, {dataset, std::string(64, 'b')}), "") << "read, and without text";
  EXPECT_EQ(find(there, {dataset, std::string(64, 'c')}), std::nullopt);
  EXPECT_EQ(find(there, {seed_dataset(db, "other", 1), hash}), std::nullopt);
  image_texts german{db.pool(), "deu"};
  EXPECT_EQ(find(german, {dataset, hash}), std::nullopt) << "OCR looked for other languages";
}

TEST_F(image_memory, nothing_is_kept_of_a_dataset_that_is_gone) {
  keep({dataset + 1, hash}, "late");
  EXPECT_EQ(rows(), 0);
}

TEST_F(image_memory, many_questions_are_answered_each_with_its_own) {
  constexpr int images = 3 * static_cast<int>(image_texts::max_batch) + 1;
  const auto key = [&](int i) { return image_key{dataset, std::to_string(i)}; };
  {
    image_texts node{db.pool(), "eng"};
    for (int i = 0; i < images; i += 2) node.keep(key(i), "text " + std::to_string(i));
  }
  image_texts node{db.pool(), "eng"};
  std::vector<std::promise<text>> answers(images);
  for (int i = 0; i < images; ++i)
    node.find(key(i), [&a = answers[i]](text found) { a.set_value(std::move(found)); });
  for (int i = 0; i < images; ++i)
    ASSERT_EQ(get(answers[i].get_future()),
              i % 2 == 0 ? text{"text " + std::to_string(i)} : std::nullopt);
}

TEST_F(image_memory, text_that_postgresql_would_refuse_costs_no_others) {
  image_texts node{db.pool(), "eng"};
  node.keep({dataset, "a"}, std::string_view{"before\0after", 12});
  node.keep({dataset, "b"}, "\xed\xa0\x80 lone");
  node.keep({dataset, "c"}, "sound");
  node.stop();
  EXPECT_EQ(rows(), 3);
}

TEST_F(image_memory, without_a_database_every_image_is_unknown) {
  image_texts node{db.pool(), "eng"};
  db.execute("drop table image_texts");
  EXPECT_EQ(find(node, {dataset, hash}), std::nullopt);
  node.stop();
  EXPECT_EQ(find(node, {dataset, hash}), std::nullopt) << "and after the end";
}

TEST_F(image_memory, a_reader_of_another_node_does_not_read_it_again) {
  image_info image;
  image.sha256 = hash;
  image.source = "part:a";
  std::atomic<int> read{0};
  const auto extract = [&](const extraction_request&, const extraction_callback& done) {
    ++read;
    extracted_document d;
    d.elements.push_back({element_kind::image, 0, 0, "says so", {}});
    done(std::move(d));
  };
  for (int node = 0; node < 2; ++node) {
    image_texts kept{db.pool(), "eng"};
    image_reader reader{extract, &kept};
    std::promise<std::string> answer;
    auto future = answer.get_future();
    reader.read({dataset, "/a.docx", {1'000, 7}, image},
                [&answer](result<std::string> t) { answer.set_value(must(std::move(t))); });
    EXPECT_EQ(get(std::move(future)), "says so");
    kept.stop();
  }
  EXPECT_EQ(read, 1);
}

}  // namespace
}  // namespace millrace
