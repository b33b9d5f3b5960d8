// Documents of many pages and many images through a real node: every page and image arrives, the
// time-out does not count a document's length, and the node's memory does not grow with it.
//
//   MILLRACE_SCANNED_PAGES  how many pages are read by OCR; default 12
#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "runtime/core/error.hpp"
#include "runtime/extraction/extractor_process.hpp"
#include "tests/integration/live_node.hpp"
#include "tests/support/pdf_bombs.hpp"
#include "tests/support/pdf_writer.hpp"
#include "tests/support/png_file.hpp"
#include "tests/support/zip_file.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

/// What design §5 leaves the node process, whatever the documents are.
constexpr double most_memory_mib = 200;
constexpr int default_scanned_pages = 12;
/// Of any document here, on a machine with much else to do.
constexpr std::chrono::seconds longest_reading{300};

int scanned_pages() {
  const char* value = std::getenv("MILLRACE_SCANNED_PAGES");
  return value == nullptr ? default_scanned_pages : std::atoi(value);
}

/// One node for all tests; each has a dataset of its own with one document.
class long_documents : public ::testing::Test {
 protected:
  /// A page of OCR takes a third of a second, and far less than this on a busy machine.
  /// Sanitizers make reading many times slower.
  static constexpr std::chrono::seconds page_timeout{extraction::limits_address_space ? 3 : 20};

  static void SetUpTestSuite() {
    corner = new workspace;
    fs::create_directories(corner->documents());
    node = new live_node{*corner, "local",
                         "[extraction]\nprocesses = 1\ntimeout = \"" +
                             std::to_string(page_timeout.count()) +
                             "s\"\n[credits]\ninitial_grant = 1000\n"};
  }
  static void TearDownTestSuite() {
    node->process->signal(SIGTERM);
    EXPECT_EQ(node->process->wait().exit_code, 0) << node->process->err();
    delete node;
    delete corner;
  }

  static std::string file(const std::string& name) { return corner->documents() + "/" + name; }

  /// A PDF whose pages have a line each.
  static void write_pages(const std::string& name, int pages) {
    std::ofstream out{file(name), std::ios::binary};
    pdf_writer pdf{out};
    for (int page = 1; page <= pages; ++page)
      pdf.add_text_page("This is leaf" + std::to_string(page) + "end of a long book\n");
    pdf.finish();
  }

  /// A dataset of this document, read to its end; looks again and again meanwhile.
  static void read(
      const std::string& name, const std::function<void()>& look = [] {}) {
    const auto answer = node->post(
        "/v1/datasets", R"({"name":")" + name + R"(","uris":["file://)" + file(name) + R"("]})");
    ASSERT_EQ(answer.status, 201) << answer.body;
    const auto limit = longest_reading + std::chrono::seconds{2 * scanned_pages()};
    ASSERT_TRUE(eventually(
        [&] {
          look();
          return node->json("/v1/datasets/" + name)["remaining"].GetInt64() == 0;
        },
        limit))
        << node->process->err();
  }
  /// Status, pages, attempts and what is wrong.
  static std::string document_of(const std::string& name) {
    return corner->sql(
        "select concat_ws(' ', d.status, d.pages, d.attempts, d.error_code) from documents d "
        "join datasets s on s.id = d.dataset_id where s.name = '" +
        name + "'");
  }
  /// Of how many pages the word is in a chunk that says it is of that page, and the last page of
  /// all chunks.
  static std::string pages_found(const std::string& name) {
    return corner->sql(
        "select count(distinct word[1]) || ' ' || max(page_to) from chunks_v1, "
        "regexp_matches(text, 'leaf(\\d+)end', 'g') word where dataset = '" +
        name + "' and word[1]::int between page_from and page_to");
  }
  /// Sanitizers need memory of their own.
  static void expect_little_memory() {
    const auto peak = node->peak_memory_mib();
    std::cout << "the node's VmHWM is " << peak << " MiB\n";
    EXPECT_GT(peak, 0);
    if (extraction::limits_address_space) {
      EXPECT_LT(peak, most_memory_mib);
    }
  }
  static double metric(const std::string& series) {
    const auto value = node->metric(series);
    EXPECT_GE(value, 0) << series << " is missing";
    return value;
  }
  static double extractor_kills() {
    double sum = 0;
    for (const auto* reason : {"timeout", "memory", "crash"})
      sum += metric(std::string{"millrace_extractor_kills_total{reason=\""} + reason + "\"}");
    return sum;
  }

  static inline workspace* corner = nullptr;
  static inline live_node* node = nullptr;
};

TEST_F(long_documents, three_thousand_pages_are_read_to_the_last) {
  write_pages("three-thousand", 3'000);
  read("three-thousand");
  EXPECT_EQ(document_of("three-thousand"), "ready 3000 1");
  EXPECT_EQ(pages_found("three-thousand"), "3000 3000");
  expect_little_memory();
}

TEST_F(long_documents, ten_thousand_pages_are_read_to_the_last) {
  write_pages("ten-thousand", 10'000);
  read("ten-thousand");
  EXPECT_EQ(document_of("ten-thousand"), "ready 10000 1");
  EXPECT_EQ(pages_found("ten-thousand"), "10000 10000");
  expect_little_memory();
}

TEST_F(long_documents, of_more_pages_than_the_limit_the_first_are_read_and_the_rest_is_named) {
  write_pages("too-many", 20'001);
  read("too-many");
  EXPECT_EQ(document_of("too-many"), "ready 20000 1 partly_read");
  EXPECT_EQ(pages_found("too-many"), "20000 20000");
  const auto said =
      corner->sql("select error_message from documents_v1 where dataset = 'too-many'");
  EXPECT_NE(said.find("20001 pages"), std::string::npos) << said;
  expect_little_memory();
}

TEST_F(long_documents, a_scan_may_take_longer_than_the_time_out_of_a_page) {
  {
    std::ofstream out{file("scan"), std::ios::binary};
    pdf_writer pdf{out};
    const auto sign = pdf.add_image(read_text(MILLRACE_TEST_DATA "/sign.png"));
    for (int page = 0; page < scanned_pages(); ++page) pdf.add_scanned_page(sign);
    pdf.finish();
  }
  const auto kills = extractor_kills();
  const auto begin = std::chrono::steady_clock::now();
  read("scan");
  const auto took = std::chrono::steady_clock::now() - begin;
  const auto pages = std::to_string(scanned_pages());
  EXPECT_EQ(document_of("scan"), "ready " + pages + " 1");
  EXPECT_EQ(corner->sql("select count(*) || ' ' || count(distinct i.page) from images i "
                        "join documents d on d.id = i.document_id "
                        "join datasets s on s.id = d.dataset_id where s.name = 'scan'"),
            pages + " " + pages);
  EXPECT_EQ(corner->sql("select max(page_to) || ' ' || (sum(regexp_count(text, 'THE MILL')) >= " +
                        pages + ") from chunks_v1 where dataset = 'scan'"),
            pages + " true");
  EXPECT_EQ(extractor_kills(), kills);
  expect_little_memory();
  std::cout << pages << " scanned pages took " << std::chrono::duration<double>(took).count()
            << " s\n";
  if (took < page_timeout) GTEST_SKIP() << "this machine read all pages within the time-out of one";
}

TEST_F(long_documents, a_page_that_never_ends_is_found_out_once_and_leaves_the_pages_before_it) {
  write_text(file("bomb.pdf"), make_form_bomb({.before = 700, .after = 20}));
  read("bomb.pdf");
  EXPECT_EQ(document_of("bomb.pdf"), "ready 721 1 partly_read");
  EXPECT_EQ(corner->sql("select count(distinct word[1]) || ' ' || max(page_to) from chunks_v1, "
                        "regexp_matches(text, 'page (\\d+) of', 'g') word "
                        "where dataset = 'bomb.pdf'"),
            "700 700");
  const auto said =
      corner->sql("select error_message from documents_v1 where dataset = 'bomb.pdf'");
  EXPECT_NE(said.find("on page or part 701"), std::string::npos) << said;
  EXPECT_EQ(corner->sql("select count(*) from checkpoints"), "0");
}

/// White, but for a few dots that are this picture's own.
std::string dotted_png(int number) {
  constexpr std::uint32_t side = 36;  // more than images.min_pixels
  gray_image image{side, side, std::string(side * side, '\xFF')};
  for (std::size_t bit = 0; bit < 16; ++bit)
    if ((number >> bit & 1) != 0) image.pixels[(4 + bit) * side + 8] = '\0';
  return make_png(image);
}

TEST_F(long_documents, images_in_thousands_are_read_eight_at_a_time) {
  constexpr int pictures = 2'500;
  std::vector<docx_picture> made;
  for (int i = 1; i < pictures; ++i) made.push_back({"picture" + std::to_string(i), dotted_png(i)});
  made.push_back({"the last", read_text(MILLRACE_TEST_DATA "/sign.png")});
  write_text(file("pictures.docx"), make_picture_docx(made));
  const auto saved = metric("millrace_checkpoint_bytes_total");
  const auto skipped = metric("millrace_checkpoints_skipped_total");
  double most_at_work = 0;
  int looks = 0;
  read("pictures.docx", [&] {
    if (++looks % 5 != 0) return;  // the metrics ask the database, too
    // Missing while no image is read.
    most_at_work =
        std::max(most_at_work, node->metric("millrace_slots{role=\"image\",state=\"reading\"}"));
  });
  EXPECT_EQ(document_of("pictures.docx"), "ready 0 1");
  EXPECT_EQ(corner->sql("select count(distinct i.sha256) from images i join documents d on "
                        "d.id = i.document_id where d.uri like '%pictures.docx'"),
            std::to_string(pictures));
  EXPECT_EQ(corner->sql("select count(*) from chunks_v1 where dataset = 'pictures.docx' and "
                        "text like '%THE MILL%'"),
            "1")
      << "the last picture was read";
  EXPECT_GT(most_at_work, 0);
  // Actors are counted one after the other, and one may take over meanwhile. Without the bound all
  // of images.concurrency (200) would be at work.
  EXPECT_LE(most_at_work, 2 * images_of_a_document);
  // So many images are saved on the way, and this dataset is far from the limits of that.
  EXPECT_GT(metric("millrace_checkpoint_bytes_total"), saved);
  EXPECT_EQ(metric("millrace_checkpoints_skipped_total"), skipped);
  expect_little_memory();
}

}  // namespace
}  // namespace millrace
