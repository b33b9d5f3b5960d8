#include "runtime/http/json.hpp"

#include <cmath>
#include <limits>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::json {
namespace {

using testing::HasSubstr;

struct submission {
  std::string name;
  std::int64_t cost = 10;
  std::vector<std::string> uris;
  std::optional<bool> prune;
};

std::vector<field> fields_of(submission& s) {
  return {required("name", s.name), optional("cost", s.cost), optional("uris", s.uris),
          optional("prune", s.prune)};
}

std::string refusal(std::string_view text) {
  submission s;
  const auto read = parse_object(text, fields_of(s));
  if (read) return "accepted";
  EXPECT_EQ(read.error().code, ec::invalid_argument);
  return read.error().message;
}

TEST(json_parse_object, fills_what_is_given_and_keeps_defaults) {
  submission s;
  ASSERT_TRUE(parse_object(R"({"name": "a", "uris": ["x", "y"], "prune": false})", fields_of(s)));
  EXPECT_EQ(s.name, "a");
  EXPECT_EQ(s.cost, 10);
  EXPECT_EQ(s.uris, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(s.prune, false);
}

TEST(json_parse_object, an_unknown_field_is_named_with_the_nearest_known_one) {
  EXPECT_EQ(refusal(R"({"name": "a", "cots": 1})"), "unknown field 'cots'; did you mean 'cost'?");
  EXPECT_THAT(refusal(R"({"name": "a", "elephant": 1})"), HasSubstr("known are: name, cost"));
}

TEST(json_parse_object, unknown_fields_are_ignored_on_request) {
  submission s;
  EXPECT_TRUE(
      parse_object(R"({"name": "a", "new": {"x": [1]}})", fields_of(s), unknown_fields::ignored));
}

TEST(json_parse_object, a_wrong_type_is_named) {
  EXPECT_EQ(refusal(R"({"name": 1})"), "field 'name' must be a string, but is a number");
  EXPECT_EQ(refusal(R"({"name": null})"), "field 'name' must be a string, but is null");
  EXPECT_THAT(refusal(R"({"name": "a", "cost": 1.5})"), HasSubstr("whole number"));
  EXPECT_THAT(refusal(R"({"name": "a", "cost": 9223372036854775808})"), HasSubstr("64 bits"));
  EXPECT_THAT(refusal(R"({"name": "a", "uris": ["x", 1]})"), HasSubstr("array of strings"));
}

TEST(json_parse_object, missing_and_repeated_fields_are_refused) {
  EXPECT_EQ(refusal("{}"), "field 'name' is missing");
  EXPECT_EQ(refusal(R"({"name": "a", "name": "b"})"), "field 'name' is given twice");
}

TEST(json_parse_object, null_leaves_an_optional_field_as_it_is) {
  submission s;
  ASSERT_TRUE(parse_object(R"({"name": "a", "cost": null, "prune": null})", fields_of(s)));
  EXPECT_EQ(s.cost, 10);
  EXPECT_FALSE(s.prune);
}

TEST(json_parse_object, anything_but_an_object_is_refused) {
  EXPECT_THAT(refusal("[1]"), HasSubstr("this is an array"));
}

TEST(json_parse_object, a_string_with_a_nul_is_refused) {
  EXPECT_THAT(refusal(R"({"name": "a\u0000b"})"), HasSubstr("without U+0000"));
}

TEST(json_parse_object, raw_values_and_maps_are_kept) {
  raw options;
  std::map<std::string, std::string> labels;
  ASSERT_TRUE(parse_object(R"({"options": {"a": [1, 2.5]}, "labels": {"x": "y"}})",
                           {optional("options", options), optional("labels", labels)}));
  EXPECT_EQ(options.text, R"({"a":[1,2.5]})");
  EXPECT_EQ(labels.at("x"), "y");
}

TEST(json_parse, an_error_names_the_offset) {
  const auto parsed = parse(R"({"a": tru})");
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, HasSubstr("at offset 9"));
}

TEST(json_parse, what_is_not_one_json_value_is_refused) {
  for (const std::string_view text : {"", " ", "{}x", "{} {}", "[1,]", "{'a':1}", "nul", "\"a",
                                      "\"\xff\"", "\"\\ud800\"", "NaN", "// a\n1"})
    EXPECT_FALSE(parse(text)) << text;
}

TEST(json_parse, nesting_is_bounded_however_deep_it_is) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse(nested(max_depth)));
  const auto too_deep = parse(nested(max_depth + 1));
  ASSERT_FALSE(too_deep);
  EXPECT_THAT(too_deep.error().message, HasSubstr("deeper than 64"));
  EXPECT_FALSE(parse(std::string(5'000'000, '[')));
  EXPECT_TRUE(parse("[" + std::string("[],") + "[[]]" + "]"));
}

TEST(json_parse, random_bytes_never_do_more_than_fail) {
  std::mt19937 random(5);
  constexpr std::string_view alphabet = "{}[]\",:0123456789.eE+-truefalsn\\u \x80\xff";
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random() % 30, ' ');
    for (auto& c : text) c = alphabet[random() % alphabet.size()];
    refused += !parse(text);
  }
  EXPECT_GT(refused, 10'000);
}

TEST(json_writer, escapes_and_nests) {
  writer w;
  w.begin_object().field("text", "a\"\\\n\x01").field("n", -3).key("list").begin_array();
  w.value(true).null().value(1.5).end_array().field("tags", std::vector<std::string>{"x"});
  w.field("raw", raw{"{\"a\":1}"}).field("none", std::optional<int>{}).end_object();
  EXPECT_EQ(w.take(), R"({"text":"a\"\\\n\u0001","n":-3,"list":[true,null,1.5],"tags":["x"],)"
                      R"("raw":{"a":1},"none":null})");
}

TEST(json_parse_object, counts_are_whole_and_not_negative) {
  std::uint64_t count = 0;
  ASSERT_TRUE(parse_object(R"({"n":18446744073709551615})", {required("n", count)}));
  EXPECT_EQ(count, std::numeric_limits<std::uint64_t>::max());
  for (const auto* bad : {"-1", "1.5", "18446744073709551616", "\"1\""})
    EXPECT_FALSE(parse_object(std::string{R"({"n":)"} + bad + "}", {required("n", count)})) << bad;
}

TEST(json_writer, numbers_at_their_limits_survive) {
  writer w;
  w.begin_array().value(std::numeric_limits<std::int64_t>::min());
  w.value(std::numeric_limits<std::uint64_t>::max()).value(0.1).end_array();
  EXPECT_EQ(w.take(), "[-9223372036854775808,18446744073709551615,0.1]");
}

TEST(json_writer, numbers_that_are_not_finite_become_null) {
  writer w;
  w.begin_array().value(std::nan("")).value(std::numeric_limits<double>::infinity()).end_array();
  EXPECT_EQ(w.take(), "[null,null]");
}

TEST(json_writer, broken_text_is_repaired) {
  writer w;
  w.begin_array().value(std::string("a\xff\0b", 4)).end_array();
  EXPECT_EQ(w.take(),
            "[\"a\xEF\xBF\xBD"
            "b\"]");
}

TEST(json_writer, is_empty_again_after_take) {
  writer w;
  w.begin_array().end_array();
  EXPECT_EQ(w.take(), "[]");
  w.begin_object().end_object();
  EXPECT_EQ(w.take(), "{}");
}

}  // namespace
}  // namespace millrace::json
