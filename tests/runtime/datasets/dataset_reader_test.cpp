#include "runtime/datasets/dataset_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/datasets/submitting.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;

/// An expression on a JSON answer; `j` is the answer.
std::string json(const test_database& db, const std::string& text, const std::string& expression) {
  return db.query("select " + expression + " from (select $json$" + text + "$json$::jsonb as j) x");
}

TEST(dataset_reader, datasets_are_found_by_name_and_by_id) {
  test_database db;
  dataset_reader reader{db.pool()};
  EXPECT_THAT(reader.find("x").error().message, HasSubstr("none exists yet"));
  EXPECT_EQ(json(db, must(reader.list()), "j"), "[]");
  const auto first = seed_dataset(db, "first", 1);
  const auto tricky = seed_dataset(db, std::to_string(first), 2);  // named like another's id
  EXPECT_EQ(must(reader.find("first")).id, first);
  EXPECT_EQ(must(reader.find(std::to_string(tricky))).id, tricky);
  EXPECT_EQ(must(reader.find(std::to_string(first))).id, tricky) << "a name goes before an id";
  EXPECT_EQ(must(reader.find("first")).dimensions, 2);
  const auto missing = reader.find("frist");
  ASSERT_EQ(code_of(missing), ec::unknown_dataset);
  EXPECT_THAT(missing.error().message, HasSubstr("`first`"));
  EXPECT_EQ(json(db, must(reader.list()), "jsonb_array_length(j)"), "2");
  db.execute("update datasets set status = 'cancelled' where name = 'first'");
  EXPECT_EQ(json(db, must(reader.list("cancelled")), "j -> 0 ->> 'dataset'"), "first");
  EXPECT_EQ(json(db, must(reader.list("cancelled")), "jsonb_array_length(j)"), "1");
  EXPECT_EQ(json(db, must(reader.list("none")), "j"), "[]");
  for (const auto* odd : {"", "1x", "-1", "99999999999999999999", "'"})
    EXPECT_EQ(code_of(reader.find(odd)), ec::unknown_dataset) << odd;
}

TEST(dataset_reader, documents_are_paged_by_status_and_failures_grouped) {
  test_database db;
  dataset_reader reader{db.pool()};
  std::vector<submitted_file> files;
  for (int i = 0; i < 10; ++i) files.push_back({"file:///" + std::to_string(i), "x"});
  must(submit(db, order(), files));
  work_off(db, files, {"file:///3", "file:///5"});
  must(submit(db, order(), {{"file:///new", "y"}, {"file:///newer", "y"}}));
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  ASSERT_EQ(must(q.claim(planner, 1)).size(), 1U);

  const auto uris = [&](const char* status) {
    std::string all;
    documents_query query{"d", status, 0, 3};
    for (int page = 0; page < 10; ++page) {
      const auto text = must(reader.documents(query));
      all +=
          json(db, text,
               "coalesce((select string_agg(replace(d ->> 'uri', 'file:///', ''), ' ' order by n) "
               "from jsonb_array_elements(j -> 'documents') with ordinality e(d, n)), '')") +
          "|";
      const auto next = json(db, text, "j ->> 'next'");
      if (next.empty()) break;
      query.after = std::stoll(next);
    }
    return all;
  };
  EXPECT_EQ(uris(""), "0 1 2|3 4 5|6 7 8|9 new newer||");
  EXPECT_EQ(uris("failed"), "3 5|");
  EXPECT_EQ(uris("processing"), "new|");
  EXPECT_EQ(uris("queued"), "newer|");
  EXPECT_EQ(uris("ready"), "0 1 2|4 6 7|8 9|");
  EXPECT_EQ(code_of(reader.documents({"nope", "", 0, 3})), ec::unknown_dataset);

  const auto one = must(reader.one("d"));
  EXPECT_EQ(json(db, one, "j -> 'failures'"),
            R"([{"code": "malformed_document", "example": "why it failed", "documents": 2}])");
  EXPECT_EQ(json(db, one,
                 "concat_ws(' ', j ->> 'total', j ->> 'ready', j ->> 'failed', j ->> "
                 "'remaining', j ->> 'status')"),
            "12 8 2 2 processing");
}

TEST(dataset_reader, a_search_ranks_by_cosine_and_looks_at_its_dataset_only) {
  test_database db;
  dataset_reader reader{db.pool()};
  const auto id = seed_dataset(db, "d", 2);
  seed_dataset(db, "other", 1);
  db.execute(
      "insert into chunks (document_id, ordinal, page_from, page_to, tokens, text, heading_path, "
      "embedding) select d.id, o, 7, 8, 1, s.name || d.size || '.' || o, '{Locks}', "
      "array[0, 0.1 * o + 0.01 * d.size, -1, 0]::real[] from documents d join datasets s on s.id = "
      "d.dataset_id, generate_series(0, 5) o");
  const auto search = [&](const std::vector<float>& query, int limit) {
    const auto text =
        must(reader.search({id, "d", "test", 4, "default"}, encode_embedding(query), limit));
    return json(
        db, text,
        "coalesce((select string_agg(concat(r ->> 'text', '=', r ->> 'score'), ' ' order by "
        "n) from jsonb_array_elements(j -> 'results') with ordinality e(r, n)), '')");
  };
  EXPECT_EQ(search({0, 1, 0, 0}, 3), "d2.5=0.5200 d1.5=0.5100 d2.4=0.4200")
      << "a query with one dimension that is not zero";
  EXPECT_EQ(search({9, 1, 0, 9}, 1), "d2.5=0.5200") << "a dense one";
  EXPECT_EQ(search({0, 1, 0.5F, 0}, 100), "d2.5=0.0200 d1.5=0.0100") << "only positive scores";
  EXPECT_EQ(search({0, 0, 0, 0}, 10), "");
  EXPECT_EQ(search({1, 0, 0, 0}, 10), "");
  const auto text =
      must(reader.search({id, "d", "test", 4, "default"}, encode_embedding({0, 1, 0, 0}), 1));
  EXPECT_EQ(json(db, text,
                 "concat_ws(' ', j #>> '{results,0,uri}', j #>> '{results,0,page_from}', j "
                 "#>> '{results,0,heading_path}')"),
            "file:///d/2 7 [\"Locks\"]");
}

TEST(dataset_reader, an_export_in_batches_is_what_the_view_says) {
  test_database db;
  seed_dataset(db, "d", 30);
  seed_dataset(db, "other", 3);
  db.execute(
      "insert into chunks (document_id, ordinal, page_from, page_to, tokens, text, heading_path, "
      "embedding) select d.id, o, 1, 2, o, E'line\\nbreak \"' || o, array['A', 'b\"' || o], "
      "array[o, -0.1]::real[] from documents d, generate_series(0, 46) o");
  auto connection = db.connect();
  sql::work tx{connection};
  tx.exec("create temporary table exported (n serial, line jsonb)");
  chunk_export all{db.pool(), must(dataset_reader{db.pool()}.find("d"))};
  int batches = 0;
  for (std::string lines;; ++batches) {
    ASSERT_TRUE(succeeded(all.next(lines)));
    if (lines.empty()) break;
    std::size_t rows = 0;
    for (std::size_t at = 0; at < lines.size(); ++rows) {
      const auto end = lines.find('\n', at);
      ASSERT_NE(end, std::string::npos);
      tx.exec("insert into exported (line) values ($1::jsonb)",
              sql::params{lines.substr(at, end - at)})
          .no_rows();
      at = end + 1;
    }
    EXPECT_LE(rows, static_cast<std::size_t>(chunk_export::batch_rows));
  }
  EXPECT_EQ(batches, 3) << "1,410 rows of 500 a batch";
  EXPECT_EQ(tx.exec("select count(*) from exported").one_row()[0].as<int>(), 30 * 47);
  EXPECT_EQ(tx.exec("select count(*) from exported e join (select to_jsonb(v) as line from "
                    "chunks_v1 v where dataset = 'd') v using (line)")
                .one_row()[0]
                .as<int>(),
            30 * 47);
  EXPECT_EQ(
      tx.exec("select bool_and(ordered) from (select (line ->> 'ordinal')::int = (n - 1) % 47 "
              "as ordered from exported) o")
          .one_row()[0]
          .as<bool>(),
      true)
      << "document by document, in order";
}

}  // namespace
}  // namespace millrace
