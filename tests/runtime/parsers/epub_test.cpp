#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/part_path.hpp"
#include "runtime/parsers/xhtml.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const char* const container =
    "<container><rootfiles><rootfile full-path='book.opf'/></rootfiles></container>";

/// A book whose manifest and spine are these.
std::string book(const std::string& manifest, const std::string& spine, zip_parts more) {
  more.insert(more.begin(), {{"mimetype", "application/epub+zip"},
                             {"META-INF/container.xml", container},
                             {"book.opf", "<package><manifest>" + manifest + "</manifest><spine>" +
                                              spine + "</spine></package>"}});
  return make_zip(more);
}
std::string item(const std::string& id, const std::string& href) {
  return "<item id='" + id + "' href='" + href + "' media-type='application/xhtml+xml'/>";
}

TEST(epub, reads_the_pieces_in_the_order_of_the_spine) {
  const auto bytes = read_sample("book.epub");
  std::uint32_t progress = 0;
  const auto document =
      parse_document(bytes, {}, [&](const parse_progress& p) { progress = p.pages; });
  ASSERT_TRUE(document);
  EXPECT_EQ(document->title, "The Keeper of the Point");
  EXPECT_THAT(
      lines_of(*document),
      ElementsAre("heading1: Before the first chapter",
                  "paragraph: A word to the reader, who may skip it.", "heading1: Chapter one",
                  "paragraph: The lamp had burned for ninety years when the keeper put it "
                  "out. See the list of lamps.",
                  "image: The lamp"));
  EXPECT_EQ(document->pages, 0U);
  EXPECT_EQ(progress, 2U);
  ASSERT_EQ(document->links.size(), 1U);
  EXPECT_EQ(document->links[0].target, "https://example.org/lamps");
  const auto& image = document->elements[4].image;
  EXPECT_EQ(image.width, 16U);
  const auto loaded = load_image(bytes, image.source, {});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->size(), image.size);
}

TEST(epub, a_missing_piece_is_a_warning_and_none_at_all_an_error) {
  const auto manifest = item("a", "a.xhtml") + item("b", "b.xhtml");
  const auto spine = "<itemref idref='a'/><itemref idref='b'/><itemref idref='nobody'/>";
  const auto document = parse(book(manifest, spine, {{"b.xhtml", "<p>here</p>"}}));
  EXPECT_THAT(lines_of(document), ElementsAre("paragraph: here"));
  EXPECT_EQ(document.warning.code, ec::partly_read);
  EXPECT_THAT(document.warning.message, HasSubstr("1 of 2"));
  EXPECT_EQ(parse_error(book(manifest, spine, {})).code, ec::malformed_document);
}

TEST(epub, a_piece_that_the_spine_repeats_is_read_once) {
  std::string spine;
  for (int i = 0; i < 1000; ++i) spine += "<itemref idref='a'/>";
  EXPECT_THAT(lines_of(parse(book(item("a", "a.xhtml"), spine, {{"a.xhtml", "<p>once</p>"}}))),
              ElementsAre("paragraph: once"));
}

TEST(epub, without_its_container_it_is_malformed) {
  EXPECT_EQ(parse_error(make_zip({{"mimetype", "application/epub+zip"}})).code,
            ec::malformed_document);
}

TEST(epub, references_lead_where_they_should) {
  EXPECT_EQ(resolve_part("OEBPS/text/one.xhtml", "../images/a%20b.png#x"), "OEBPS/images/a b.png");
  EXPECT_EQ(resolve_part("one.xhtml", "two.xhtml"), "two.xhtml");
  EXPECT_EQ(resolve_part("a/b.xhtml", "/c.png"), "c.png");
  EXPECT_EQ(resolve_part("a/b.xhtml", "../../../c.png"), "c.png");
  EXPECT_EQ(resolve_part("a/b.xhtml", "https://example.org/c.png"), "");
  EXPECT_EQ(resolve_part("a/b.xhtml", "data:image/png;base64,AA"), "");
  EXPECT_EQ(resolve_part("a/b.xhtml", "50%"), "a/50%");
}

TEST(epub, empty_tags_become_pairs) {
  EXPECT_EQ(expand_empty_tags("<title/><p class=\"a>b\" />x<br/><!-- <p/> --><a"),
            "<title></title><p class=\"a>b\" ></p>x<br/><!-- <p/> --><a");
  EXPECT_EQ(expand_empty_tags("<![CDATA[<p/>]]><x:y/></p>"), "<![CDATA[<p/>]]><x:y></x:y></p>");
}

}  // namespace
}  // namespace millrace::parsers
