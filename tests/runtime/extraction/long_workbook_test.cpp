// A sound workbook that takes much longer to read than extraction.timeout.
//
//   MILLRACE_WORKBOOK_ROWS  its rows of ten numbers; without it nothing is run. `make soak` reads
//                           450,000 of them
#include <cstdlib>
#include <random>

#include "tests/runtime/extraction/pool_fixture.hpp"
#include "tests/support/zip_file.hpp"

namespace millrace::extraction {
namespace {

std::string make_workbook(int rows) {
  std::mt19937 random{1};
  std::uniform_int_distribution<int> digits{10'000'000, 99'999'999};
  std::string sheet = "<worksheet><sheetData>";
  for (int i = 0; i < rows; ++i) {
    sheet += "<row>";
    for (int column = 0; column < 10; ++column)
      sheet += "<c><v>" + std::to_string(digits(random)) + "." + std::to_string(digits(random)) +
               "</v></c>";
    sheet += "</row>";
  }
  return make_zip(
      {{"[Content_Types].xml", "spreadsheetml.sheet.main+xml"},
       {"xl/workbook.xml", "<workbook><sheets><sheet name=\"S\" r:id=\"r1\"/></sheets></workbook>"},
       {"xl/_rels/workbook.xml.rels",
        "<Relationships><Relationship Id=\"r1\" Type=\"x/worksheet\" "
        "Target=\"sheet1.xml\"/></Relationships>"},
       {"xl/sheet1.xml", sheet + "</sheetData></worksheet>"}});
}

class long_workbook : public pool_fixture {};

TEST_F(long_workbook, stays_ready) {
  const char* rows = std::getenv("MILLRACE_WORKBOOK_ROWS");
  if (rows == nullptr) GTEST_SKIP() << "MILLRACE_WORKBOOK_ROWS is not set";
  config_.executable = REAL_EXTRACTOR;
  config_.settings.timeout = std::chrono::seconds{1};
  config_.settings.memory_budget = "8GiB";
  config_.settings.memory_small = config_.settings.memory_large = 4_GiB;
  config_.settings.max_text = 1_GiB;
  extractor_pool pool{config_};
  const auto path = document(make_workbook(std::atoi(rows)));
  const auto begin = std::chrono::steady_clock::now();
  const auto read = extract(pool, path);
  const auto took = std::chrono::steady_clock::now() - begin;
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->warning.code, ec::none) << read->warning.message;
  std::cout << std::filesystem::file_size(path) << " bytes took "
            << std::chrono::duration<double>(took).count() << " s\n";
  EXPECT_EQ(pool.stats().kills_timeout, 0U);
}

}  // namespace
}  // namespace millrace::extraction
