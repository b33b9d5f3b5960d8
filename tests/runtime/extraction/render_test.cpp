#include "runtime/extraction/render.hpp"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

namespace millrace {
namespace {

extracted_document sample() {
  extracted_document d;
  d.mime = "text/markdown";
  d.sha256 = "abc";
  d.size = 18'446'744'073'709'551'615ULL;
  d.pages = 2;
  d.title = "Mills \"and\" streams";
  d.elements = {
      {element_kind::title, 1, 1, "Mills", {}},
      {element_kind::heading, 2, 1, "Wheels", {}},
      {element_kind::list_item, 1, 1, "overshot", {}},
      {element_kind::list_item, 2, 1, "steel", {}},
      {element_kind::heading, 3, 1, "Teeth", {}},
      {element_kind::code, 0, 1, "turn()", {}},
      {element_kind::page_break, 0, 2, "", {}},
      {element_kind::heading, 2, 2, "Water", {}},
      {element_kind::image, 0, 2, "a stream", {"def", "image/png", 640, 480, 1000}},
  };
  return d;
}

TEST(render, text_reads_like_markdown) {
  EXPECT_EQ(render_text(sample()),
            "# Mills\n\n## Wheels\n\n- overshot\n  - steel\n\n### "
            "Teeth\n\n```\nturn()\n```\n\n[page break]\n\n"
            "## Water\n\n[image: a stream (image/png, 640x480)]\n");
  EXPECT_EQ(render_text({}), "");
}

TEST(render, json_has_every_field_and_the_headings_above_each_element) {
  rapidjson::Document json;
  json.Parse(render_json(sample()).c_str());
  ASSERT_FALSE(json.HasParseError());
  EXPECT_STREQ(json["mime"].GetString(), "text/markdown");
  EXPECT_EQ(json["size"].GetUint64(), 18'446'744'073'709'551'615ULL);
  EXPECT_STREQ(json["title"].GetString(), "Mills \"and\" streams");
  const auto& elements = json["elements"];
  ASSERT_EQ(elements.Size(), 9U);
  const auto path = [&](rapidjson::SizeType i) {
    std::string joined;
    for (const auto& heading : elements[i]["heading_path"].GetArray())
      joined += (joined.empty() ? "" : " > ") + std::string{heading.GetString()};
    return joined;
  };
  EXPECT_EQ(path(0), "");
  EXPECT_EQ(path(1), "Mills");
  EXPECT_EQ(path(5), "Mills > Wheels > Teeth");
  EXPECT_EQ(path(7), "Mills");
  EXPECT_EQ(path(8), "Mills > Water");
  EXPECT_FALSE(elements[5].HasMember("image"));
  EXPECT_EQ(elements[8]["image"]["width"].GetUint(), 640U);
  EXPECT_STREQ(elements[8]["kind"].GetString(), "image");
}

}  // namespace
}  // namespace millrace
