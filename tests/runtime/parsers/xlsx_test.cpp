#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/table_cutter.hpp"
#include "runtime/parsers/xlsx_sheet.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string relation(const std::string& id, const std::string& kind, const std::string& target) {
  return "<Relationship Id=\"" + id + "\" Type=\"x/" + kind + "\" Target=\"" + target + "\"/>";
}

/// A workbook of one sheet with this inside of <worksheet>.
std::string make_sheet(const std::string& inside, const zip_parts& more = {},
                       const std::string& relations = {}) {
  zip_parts parts{
      {"[Content_Types].xml", "spreadsheetml.sheet.main+xml"},
      {"xl/workbook.xml", "<workbook><sheets><sheet name=\"S\" r:id=\"r1\"/></sheets></workbook>"},
      {"xl/_rels/workbook.xml.rels", "<Relationships>" + relation("r1", "worksheet", "sheet1.xml") +
                                         relations + "</Relationships>"},
      {"xl/sheet1.xml", "<worksheet>" + inside + "</worksheet>"}};
  parts.insert(parts.end(), more.begin(), more.end());
  return make_zip(parts);
}

std::string text_cell(const std::string& place, const std::string& text) {
  return "<c r=\"" + place + "\" t=\"inlineStr\"><is><t>" + text + "</t></is></c>";
}
std::string number_cell(const std::string& place, const std::string& value) {
  return "<c r=\"" + place + "\"><v>" + value + "</v></c>";
}
std::string row(const std::string& cells) {
  return "<row>" + cells + "</row>";
}
std::string sheet_data(const std::string& rows) {
  return "<sheetData>" + rows + "</sheetData>";
}

/// What it is read from and what comes of it are counted, so that it is not taken for a loop.
TEST(xlsx, of_a_long_sheet_each_step_is_told) {
  std::string rows;
  for (int i = 1; i <= 20'000; ++i)
    rows += row(number_cell("A" + std::to_string(i), std::to_string(i)) +
                text_cell("B" + std::to_string(i), "words of this row"));
  std::vector<std::uint64_t> told;
  work_meter work{[&](std::uint64_t bytes) { told.push_back(bytes); }};
  parse_limits limits;
  limits.work = &work;
  const auto document = parse_document(make_sheet(sheet_data(rows)), limits, {});
  ASSERT_TRUE(document) << document.error().message;
  std::size_t text = 0;
  for (const auto& e : document->elements) text += e.text.size();
  ASSERT_FALSE(told.empty());
  EXPECT_GE(told.back() + work_meter::step_bytes, rows.size() + text);
  constexpr std::uint64_t longest_step = 512 << 10;  // a piece of a ZIP container, or a table
  std::uint64_t before = 0;
  for (const auto bytes : told) {
    EXPECT_LE(bytes - before, longest_step);
    before = bytes;
  }
}

TEST(xlsx, reads_a_whole_workbook_as_it_is_shown) {
  const auto document = parse(read_sample("budget.xlsx"));
  EXPECT_EQ(document.title, "Budget");
  EXPECT_THAT(
      lines_of(document),
      ElementsAre("heading1: Spending", "paragraph: Budget of the canal trust",
                  "table: | Item | Due | Amount | Share |\n| --- | --- | --- | --- |\n| Works | 10 "
                  "May 2024 | £1,240.50 | 31.25% |\n| Works | 2024-06-10 | -£620.00 | 68.75% |\n| "
                  "Grant | 東京 | TRUE | #N/A |",
                  "table: | Depth | Level |\n| --- | --- |\n| New gates | 30:00 |",
                  "paragraph: Comment on C5 by Ada Reeve: Paid back in June",
                  "image: The new gates", "heading1: Gauges",
                  "table: | Gauge | Level |\n| --- | --- |\n| Upper weir | 0.1 |"));
  EXPECT_EQ(document.elements[5].image.source, "part:xl/media/gates.png");
  ASSERT_EQ(document.links.size(), 1U);
  EXPECT_EQ(document.links[0].target, "https://example.org/grant");
}

TEST(xlsx, a_merged_cell_fills_its_rows_and_columns) {
  EXPECT_THAT(
      lines_of(parse(make_sheet(
          sheet_data(
              row(text_cell("B1", "2023") + text_cell("D1", "sum")) +
              row(text_cell("A2", "in") + number_cell("B2", "1") + number_cell("C2", "2") +
                  number_cell("D2", "3")) +
              row(number_cell("B3", "4") + number_cell("C3", "5") + number_cell("D3", "9"))) +
          "<mergeCells><mergeCell ref=\"B1:C1\"/><mergeCell ref=\"A2:A3\"/></mergeCells>"))),
      ElementsAre(
          "heading1: S",
          "table: | | 2023 | 2023 | sum |\n| --- | --- | --- | --- |\n| in | 1 | 2 | 3 |\n| "
          "in | 4 | 5 | 9 |"));
}

TEST(xlsx, a_merge_of_the_whole_sheet_costs_nothing) {
  const auto document = parse(make_sheet(
      sheet_data(row(text_cell("A1", "a")) + row(text_cell("A2", "b") + text_cell("B2", "c"))) +
      "<mergeCells><mergeCell ref=\"A1:XFD1048576\"/><mergeCell ref=\"B2:A1\"/><mergeCell "
      "ref=\"A1:ZZZZ9\"/></mergeCells>"));
  EXPECT_THAT(lines_of(document),
              ElementsAre("heading1: S", "paragraph: a", "table: | b | c |\n| --- | --- |"));
}

TEST(xlsx, one_empty_row_parts_tables_only_before_a_header) {
  const auto header = [](const std::string& n) {
    return text_cell("A" + n, "name") + text_cell("B" + n, "value");
  };
  const auto numbers = [](const std::string& n) {
    return text_cell("A" + n, "x") + number_cell("B" + n, "1");
  };
  EXPECT_THAT(
      lines_of(
          parse(make_sheet(sheet_data(row(header("1")) + row(numbers("2")) + row(numbers("4")) +
                                      row(header("6")) + row(numbers("7")) + row(numbers("10")))))),
      ElementsAre("heading1: S", "table: | name | value |\n| --- | --- |\n| x | 1 |\n| x | 1 |",
                  "table: | name | value |\n| --- | --- |\n| x | 1 |",
                  "table: | x | 1 |\n| --- | --- |"));
}

TEST(xlsx, tables_side_by_side_are_parted_where_each_has_a_header) {
  const auto line = [](const std::string& n) {
    return row(number_cell("A" + n, n) + number_cell("B" + n, n) + number_cell("D" + n, n) +
               number_cell("E" + n, n));
  };
  const auto header = row(text_cell("A1", "a") + text_cell("B1", "b") + text_cell("D1", "c") +
                          text_cell("E1", "d"));
  EXPECT_THAT(lines_of(parse(make_sheet(sheet_data(header + line("2"))))),
              ElementsAre("heading1: S", "table: | a | b |\n| --- | --- |\n| 2 | 2 |",
                          "table: | c | d |\n| --- | --- |\n| 2 | 2 |"));
  EXPECT_THAT(
      lines_of(parse(make_sheet(sheet_data(line("1") + line("2"))))),
      ElementsAre("heading1: S",
                  "table: | 1 | 1 | 1 | 1 |\n| --- | --- | --- | --- |\n| 2 | 2 | 2 | 2 |"));
}

TEST(xlsx, shared_texts_join_their_runs_and_leave_out_phonetics) {
  EXPECT_THAT(
      lines_of(parse(make_sheet(
          sheet_data(row("<c t=\"s\"><v>1</v></c><c t=\"s\"><v>0</v></c><c t=\"s\"><v>99</v></c>")),
          {{"xl/sst.xml",
            "<sst><si><r><t xml:space=\"preserve\">lock </t></r><r><t>keeper</t></r>"
            "</si><si><t>東京</t><rPh><t>トウキョウ</t></rPh></si></sst>"}},
          relation("r2", "sharedStrings", "sst.xml")))),
      ElementsAre("heading1: S", "table: | 東京 | lock keeper |\n| --- | --- |"));
}

TEST(xlsx, dates_follow_the_workbooks_date_system) {
  const std::string styles =
      "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>";
  auto parts = zip_parts{
      {"[Content_Types].xml", "ms-excel.sheet.macroEnabled.main+xml"},
      {"xl/workbook.xml",
       "<workbook><workbookPr date1904=\"1\"/><sheets><sheet name=\"S\" r:id=\"r1\"/></sheets>"
       "</workbook>"},
      {"xl/_rels/workbook.xml.rels", "<Relationships>" + relation("r1", "worksheet", "sheet1.xml") +
                                         relation("r2", "styles", "styles.xml") +
                                         "</Relationships>"},
      {"xl/styles.xml", styles},
      {"xl/sheet1.xml", "<x:worksheet>" +
                            sheet_data("<x:row><x:c s=\"1\"><x:v>43960</x:v></x:c>"
                                       "<x:c t=\"d\"><x:v>2024-05-11T00:00:00</x:v>"
                                       "</x:c></x:row>") +
                            "</x:worksheet>"}};
  EXPECT_THAT(lines_of(parse(make_zip(parts))),
              ElementsAre("heading1: S", "table: | 2024-05-10 | 2024-05-11 |\n| --- | --- |"));
}

TEST(xlsx, a_long_sheet_is_cut_into_tables_with_the_header) {
  std::string rows = row(text_cell("A1", "id") + text_cell("B1", "name"));
  for (int i = 2; i <= 500; ++i)
    rows += row(number_cell("A" + std::to_string(i), std::to_string(i)) +
                text_cell("B" + std::to_string(i), "x"));
  const auto lines = lines_of(parse(make_sheet(sheet_data(rows))));
  ASSERT_EQ(lines.size(), 4U);
  for (std::size_t i = 1; i < lines.size(); ++i)
    EXPECT_TRUE(lines[i].starts_with("table: | id | name |\n| --- | --- |\n")) << lines[i];
  EXPECT_THAT(lines[3], HasSubstr("| 500 | x |"));
}

TEST(xlsx, rows_far_apart_do_not_widen_each_other) {
  std::string rows = row(text_cell("A1", "id") + text_cell("B1", "name"));
  const auto far = [](char letter, int at) {
    return std::string{"X"} + letter + std::to_string(at);
  };
  for (int i = 2; i <= 401; ++i)
    rows += row(number_cell("A" + std::to_string(i), "1") +
                number_cell(far(i < 202 ? 'A' : 'B', i), std::to_string(i)));
  EXPECT_THAT(lines_of(parse(make_sheet(sheet_data(rows)))),
              ElementsAre("heading1: S",
                          testing::AllOf(testing::StartsWith("table: | id | name | |\n"),
                                         testing::EndsWith("| 1 | | 201 |")),
                          testing::AllOf(testing::StartsWith("table: | id | name | |\n"),
                                         testing::EndsWith("| 1 | | 401 |"))));
}

TEST(xlsx, a_million_cells_are_read) {
  std::string rows;
  for (int i = 1; i <= 50'000; ++i) {
    rows += "<row>";
    for (int j = 0; j < 20; ++j) rows += "<c><v>7</v></c>";
    rows += "</row>";
  }
  const auto document = parse(make_sheet(sheet_data(rows)));
  std::size_t sevens = 0;
  for (const auto& e : document.elements)
    sevens += static_cast<std::size_t>(std::count(e.text.begin(), e.text.end(), '7'));
  EXPECT_GE(sevens, 1'000'000U);
}

TEST(xlsx, too_much_text_in_cells_is_refused) {
  parse_limits limits;
  limits.max_text_bytes = 1000;
  const auto error =
      parse_error(make_sheet(sheet_data(row(text_cell("A1", std::string(2000, 'x'))))), limits);
  EXPECT_EQ(error.code, ec::limit_exceeded);
  EXPECT_THAT(error.message, HasSubstr("split it"));
}

TEST(xlsx, a_sheet_that_breaks_off_keeps_what_stands_before) {
  const auto document = parse(make_sheet("<sheetData><row>" + text_cell("A1", "kept") +
                                         text_cell("B1", "too") + "</row><row><c r=\"A2\"><v>5<"));
  EXPECT_THAT(lines_of(document),
              ElementsAre("heading1: S", "table: | kept | too |\n| --- | --- |"));
  EXPECT_EQ(document.warning.code, ec::partly_read);
  EXPECT_THAT(document.warning.message, HasSubstr("\"S\""));
}

TEST(xlsx, a_workbook_without_a_readable_sheet_is_malformed) {
  EXPECT_EQ(parse_error(make_sheet("<")).code, ec::malformed_document);
  EXPECT_EQ(parse_error(make_zip({{"[Content_Types].xml", "spreadsheetml.sheet.main+xml"}})).code,
            ec::malformed_document);
}

TEST(xlsx, an_empty_workbook_is_flagged) {
  const auto document = parse(make_sheet(sheet_data("")));
  EXPECT_TRUE(document.elements.empty());
  EXPECT_EQ(document.warning.code, ec::empty_document);
}

TEST(xlsx, entities_of_a_document_type_are_not_expanded) {
  auto parts = zip_parts{
      {"[Content_Types].xml", "spreadsheetml.sheet.main+xml"},
      {"xl/workbook.xml", "<workbook><sheets><sheet name=\"S\" r:id=\"r1\"/></sheets></workbook>"},
      {"xl/_rels/workbook.xml.rels",
       "<Relationships>" + relation("r1", "worksheet", "s.xml") + "</Relationships>"},
      {"xl/s.xml",
       "<!DOCTYPE d [<!ENTITY a \"boom\"><!ENTITY b \"&a;&a;&a;&a;\">]>"
       "<worksheet>" +
           sheet_data(row(text_cell("A1", "&b;&b;"))) + "</worksheet>"}};
  EXPECT_EQ(parse_error(make_zip(parts)).code, ec::malformed_document);
}

TEST(xlsx, threads_replace_the_notes_that_stand_for_them) {
  const std::string notes =
      "<comments><authors><author>tc={1}</author><author>Ada</author></authors><commentList>"
      "<comment ref=\"A1\" authorId=\"0\"><text><t>[Threaded comment]</t></text></comment>"
      "<comment ref=\"B1\" authorId=\"1\"><text><t>a note</t></text></comment></commentList>"
      "</comments>";
  const std::string thread =
      "<ThreadedComments><threadedComment ref=\"A1\" personId=\"{P}\"><text>really?</text>"
      "</threadedComment></ThreadedComments>";
  EXPECT_THAT(lines_of(parse(make_sheet(
                  sheet_data(row(text_cell("A1", "a"))),
                  {{"xl/c.xml", notes},
                   {"xl/t.xml", thread},
                   {"xl/p.xml", "<personList><person id=\"{P}\" displayName=\"Bo\"/></personList>"},
                   {"xl/_rels/sheet1.xml.rels",
                    "<Relationships>" + relation("c", "comments", "c.xml") +
                        relation("t", "threadedComment", "t.xml") + "</Relationships>"}},
                  relation("p", "person", "p.xml")))),
              ElementsAre("heading1: S", "paragraph: a", "paragraph: Comment on B1 by Ada: a note",
                          "paragraph: Comment on A1 by Bo: really?"));
}

TEST(xlsx, embedded_documents_do_not_change_what_a_file_is) {
  const auto parts = [](const std::string& types) {
    return make_zip({{"[Content_Types].xml", types}});
  };
  EXPECT_EQ(detect_mime(parts("presentationml.presentation spreadsheetml.sheet.main+xml")).value(),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
  EXPECT_EQ(detect_mime(parts("ms-powerpoint.slideshow.macroEnabled.main+xml")).value(),
            "application/vnd.openxmlformats-officedocument.presentationml.presentation");
}

}  // namespace
}  // namespace millrace::parsers
