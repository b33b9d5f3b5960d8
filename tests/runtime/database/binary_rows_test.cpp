#include "runtime/database/binary_rows.hpp"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/test_database.hpp"

namespace millrace {
namespace {

std::string little_endian(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

class binary_rows_test : public ::testing::Test {
 protected:
  binary_rows_test() {
    database_.execute(
        "create type row_in as (flag boolean, small int2, medium int4, large int8, ratio float8,"
        " words text, raw bytea, document jsonb, vector real[], path text[])");
  }

  /// Evaluates `sql` over `rows` as $1, as one text value.
  std::string evaluate(const std::string& sql, sql::bytes rows) {
    auto connection = database_.connect();
    sql::read_transaction tx{connection};
    const auto value = tx.exec(sql, sql::params{rows}).one_row()[0];
    return value.is_null() ? "null" : value.as<std::string>();
  }

  std::uint32_t row_type() {
    return static_cast<std::uint32_t>(std::stoul(database_.query("select 'row_in'::regtype::oid")));
  }

  test_database database_{test_schema::empty};
};

TEST_F(binary_rows_test, every_type_arrives_as_it_was) {
  binary_rows rows{row_type()};
  rows.begin_row(10);
  rows.boolean(true);
  rows.int2(-2);
  rows.int4(-2'000'000'000);
  rows.int8(-9'000'000'000'000'000'000);
  rows.float8(-0.125);
  rows.text("quote ' comma , brace { \xC3\xA9");
  rows.bytea(std::string_view{"\0\xFF\\", 3});
  rows.jsonb(R"({"a": [1]})");
  rows.float4_array(little_endian({1.5F, -2.25F, 0.0F}));
  rows.text_array(std::vector<std::string>{"one", "", "th\"ree"});
  EXPECT_EQ(evaluate("select row_to_json(r) from unnest($1::row_in[]) r", rows.parameter()),
            R"({"flag":true,"small":-2,"medium":-2000000000,"large":-9000000000000000000,)"
            R"("ratio":-0.125,"words":"quote ' comma , brace { )"
            "\xC3\xA9"
            R"(","raw":"\\x00ff5c","document":{"a": [1]},"vector":[1.5,-2.25,0],)"
            R"("path":["one","","th\"ree"]})");
}

TEST_F(binary_rows_test, every_type_can_be_null) {
  binary_rows rows{row_type()};
  rows.begin_row(10);
  for (const auto type : {field_type::boolean, field_type::int2, field_type::int4, field_type::int8,
                          field_type::float8, field_type::text, field_type::bytea,
                          field_type::jsonb, field_type::float4_array, field_type::text_array})
    rows.null(type);
  EXPECT_EQ(evaluate("select num_nulls(flag, small, medium, large, ratio, words, raw, document,"
                     " vector, path) from unnest($1::row_in[])",
                     rows.parameter()),
            "10");
}

TEST_F(binary_rows_test, no_rows_are_an_empty_array) {
  binary_rows rows{row_type()};
  EXPECT_EQ(evaluate("select count(*) from unnest($1::row_in[])", rows.parameter()), "0");
}

TEST_F(binary_rows_test, empty_arrays_inside_rows_are_empty_and_not_null) {
  database_.execute("create type arrays_in as (vector real[], path text[])");
  binary_rows rows{
      static_cast<std::uint32_t>(std::stoul(database_.query("select 'arrays_in'::regtype::oid")))};
  rows.begin_row(2);
  rows.float4_array("");
  rows.text_array({});
  EXPECT_EQ(evaluate("select format('%s %s', cardinality(vector), cardinality(path))"
                     " from unnest($1::arrays_in[])",
                     rows.parameter()),
            "0 0");
}

TEST_F(binary_rows_test, rows_of_3072_dimensions_keep_their_order_and_values) {
  database_.execute("create type vector_in as (id int4, vector real[])");
  binary_rows rows{
      static_cast<std::uint32_t>(std::stoul(database_.query("select 'vector_in'::regtype::oid")))};
  constexpr auto dimensions = 3072;
  for (auto id = 0; id < 50; ++id) {
    std::vector<float> values(dimensions);
    for (auto i = 0; i < dimensions; ++i)
      values[static_cast<std::size_t>(i)] = static_cast<float>(id) + static_cast<float>(i) / 4096;
    rows.begin_row(2);
    rows.int4(id);
    rows.float4_array(little_endian(values));
  }
  EXPECT_EQ(rows.rows(), 50);
  EXPECT_GT(rows.bytes(), 50U * dimensions * 8);
  EXPECT_EQ(evaluate("select count(*) from unnest($1::vector_in[]) r, lateral"
                     " unnest(r.vector) with ordinality as v(value, i)"
                     " where v.value = r.id + (v.i - 1) / 4096.0",
                     rows.parameter()),
            std::to_string(50 * dimensions));
}

TEST_F(binary_rows_test, a_cleared_builder_starts_again) {
  database_.execute("create type pair_in as (id int4, words text)");
  binary_rows rows{
      static_cast<std::uint32_t>(std::stoul(database_.query("select 'pair_in'::regtype::oid")))};
  for (const auto* words : {"first", "second"}) {
    rows.clear();
    rows.begin_row(2);
    rows.int4(1);
    rows.text(words);
    EXPECT_EQ(
        evaluate("select string_agg(words, '+') from unnest($1::pair_in[])", rows.parameter()),
        words);
  }
}

TEST_F(binary_rows_test, a_field_of_the_wrong_type_is_refused_by_the_server) {
  database_.execute("create type pair_in as (id int4, words text)");
  binary_rows rows{
      static_cast<std::uint32_t>(std::stoul(database_.query("select 'pair_in'::regtype::oid")))};
  rows.begin_row(2);
  rows.int8(1);
  rows.text("x");
  EXPECT_THROW(evaluate("select count(*) from unnest($1::pair_in[])", rows.parameter()),
               sql::statement_error);
}

TEST_F(binary_rows_test, a_row_with_a_missing_field_aborts) {
  binary_rows rows{row_type()};
  rows.begin_row(2);
  rows.int4(1);
  EXPECT_DEATH(rows.parameter(), "fewer fields");
}

TEST_F(binary_rows_test, array_parameters_of_any_length_arrive) {
  EXPECT_EQ(evaluate("select $1::bigint[]::text",
                     int8_array_parameter(std::vector<std::int64_t>{-1, 0, 1LL << 40})),
            "{-1,0,1099511627776}");
  EXPECT_EQ(evaluate("select $1::integer[]::text",
                     int4_array_parameter(std::vector<std::int32_t>{7, -8})),
            "{7,-8}");
  EXPECT_EQ(evaluate("select $1::text[]::text",
                     text_array_parameter(std::vector<std::string>{"a b", "", "\""})),
            R"({"a b","","\""})");
  EXPECT_EQ(evaluate("select $1::bigint[]::text", int8_array_parameter({})), "{}");
  EXPECT_EQ(evaluate("select $1::text[]::text", text_array_parameter({})), "{}");
}

TEST_F(binary_rows_test, a_types_oid_is_looked_up_once_per_connection) {
  auto connection = database_.pool().acquire();
  ASSERT_TRUE(connection);
  const auto lookup = [&] {
    sql::work tx{**connection};
    return connection->type_oid(tx, "row_in");
  };
  const auto oid = lookup();
  EXPECT_EQ(oid, row_type());
  database_.execute("alter type row_in rename to row_in_renamed");
  EXPECT_EQ(lookup(), oid);
  sql::work tx{**connection};
  EXPECT_THROW(connection->type_oid(tx, "no_such_type"), sql::statement_error);
}

}  // namespace
}  // namespace millrace
