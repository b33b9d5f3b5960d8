#include "runtime/cluster/upload_sweep.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "runtime/sources/file_uri.hpp"
#include "tests/runtime/queue/seeded_queue.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

class upload_sweep_test : public ::testing::Test {
 protected:
  fs::path keep(std::int64_t id, const std::string& name) {
    const auto file = *received_file::create(store->incoming(), {});
    return must(store->keep(*file, id, name));
  }
  static void make_old(const fs::path& file) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - upload_sweep::unnamed_age -
                                  std::chrono::minutes{1});
  }
  void name(std::int64_t id, const fs::path& file, const std::string& node) {
    db.execute("insert into documents (dataset_id, uri, size, options) values (" +
               std::to_string(id) + ", '" + file_uri(file.native(), node) + "', 1, 'test')");
  }

  test_database db;
  temporary_directory folder;
  std::shared_ptr<upload_store> store =
      *upload_store::open(folder.path() / "uploads", "0a1b2c3d", "a");
  upload_sweep sweep{db.pool(), store, "a"};
  std::int64_t dataset = seed_dataset(db, "d", 0);
};

TEST_F(upload_sweep_test, files_that_a_document_names_stay_however_old_they_are) {
  const auto with_node = keep(dataset, "x/with node.txt");
  const auto without = keep(dataset, "x/ö without.txt");
  const auto elsewhere = keep(dataset, "x/of another node.txt");
  for (const auto& f : {with_node, without, elsewhere}) make_old(f);
  name(dataset, with_node, "a");
  name(dataset, without, "");
  name(dataset, elsewhere, "b");
  EXPECT_EQ(must(sweep.run()), 1);
  EXPECT_TRUE(fs::exists(with_node));
  EXPECT_TRUE(fs::exists(without));
  EXPECT_FALSE(fs::exists(elsewhere)) << "that is a file of node b";
}

TEST_F(upload_sweep_test, files_that_were_never_submitted_go_after_their_time) {
  const auto last = keep(dataset, "last");
  const auto old = keep(dataset, "folder/below/old");
  make_old(old);
  EXPECT_EQ(must(sweep.run()), 0) << "more may be on their way";
  EXPECT_TRUE(fs::exists(old));
  make_old(last);
  name(dataset, last, "");
  EXPECT_EQ(must(sweep.run()), 1);
  EXPECT_TRUE(fs::exists(last));
  EXPECT_FALSE(fs::exists(store->folder_of(dataset) / "folder")) << "nor its empty folders";
  EXPECT_EQ(must(sweep.run()), 0);
}

TEST_F(upload_sweep_test, nothing_is_removed_while_somebody_submits_to_the_dataset) {
  const auto file = keep(dataset, "a");
  make_old(file);
  {
    auto connection = db.pool().acquire();
    ASSERT_TRUE(connection);
    sql::work submission{**connection};
    submission.exec("select from datasets for no key update");
    EXPECT_EQ(must(sweep.run()), 0);
    EXPECT_TRUE(fs::exists(file));
  }
  EXPECT_EQ(must(sweep.run()), 1);
}

TEST_F(upload_sweep_test,
       a_dataset_that_cannot_be_swept_holds_up_neither_those_that_are_gone_nor_others) {
  const auto gone = seed_dataset(db, "gone", 0);
  const auto next = seed_dataset(db, "next", 0);
  const auto stuck = keep(dataset, "a");
  const auto of_gone = keep(gone, "a");
  const auto of_next = keep(next, "a");
  for (const auto& f : {stuck, of_next}) make_old(f);
  db.execute("delete from datasets where name = 'gone'");
  db.execute("alter table documents rename to documents_away");
  EXPECT_FALSE(sweep.run());
  EXPECT_FALSE(fs::exists(of_gone));
  db.execute("alter table documents_away rename to documents");
  // Held, so that only the other one can be removed.
  auto connection = db.pool().acquire();
  ASSERT_TRUE(connection);
  sql::work submission{**connection};
  submission.exec("select from datasets where name = 'd' for no key update");
  EXPECT_EQ(must(sweep.run()), 1);
  EXPECT_FALSE(fs::exists(of_next));
}

TEST_F(upload_sweep_test, files_of_a_dataset_that_is_gone_go_at_once) {
  const auto other = seed_dataset(db, "e", 0);
  const auto young = keep(other, "folder/young");
  const auto kept = keep(dataset, "young");
  db.execute("delete from datasets where name = 'e'");
  EXPECT_EQ(must(sweep.run()), 1);
  EXPECT_FALSE(fs::exists(store->folder_of(other)));
  EXPECT_TRUE(fs::exists(kept));
}

TEST_F(upload_sweep_test, another_datasets_document_keeps_no_file) {
  const auto other = seed_dataset(db, "e", 0);
  const auto file = keep(dataset, "a");
  make_old(file);
  name(other, file, "");
  EXPECT_EQ(must(sweep.run()), 1);
}

TEST_F(upload_sweep_test, more_than_a_batch_is_asked_for_batch_by_batch) {
  const auto files = upload_sweep::batch + 5;
  std::vector<fs::path> all;
  for (std::size_t i = 0; i < files; ++i) {
    all.push_back(store->folder_of(dataset) / std::to_string(i));
    fs::create_directories(all.back().parent_path());
    std::ofstream{all.back()} << "x";
    make_old(all.back());
  }
  name(dataset, all.front(), "");
  name(dataset, all.back(), "a");
  EXPECT_EQ(must(sweep.run()), static_cast<std::int64_t>(files) - 2);
  EXPECT_TRUE(fs::exists(all.front()));
  EXPECT_TRUE(fs::exists(all.back()));
}

TEST_F(upload_sweep_test, what_was_half_received_when_a_node_died_goes_after_its_time) {
  const auto young = store->incoming() / "part-young";
  const auto old = store->incoming() / "part-old";
  for (const auto& f : {young, old}) std::ofstream{f} << "x";
  make_old(old);
  EXPECT_EQ(must(sweep.run()), 1);
  EXPECT_TRUE(fs::exists(young));
}

TEST_F(upload_sweep_test, nothing_is_removed_while_the_database_cannot_be_asked) {
  const auto file = keep(dataset, "a");
  make_old(file);
  connection_pool nowhere{"host=/nonexistent dbname=x", database_settings{}, "test"};
  upload_sweep blind{nowhere, store, "a"};
  EXPECT_FALSE(blind.run());
  EXPECT_TRUE(fs::exists(file));
}

}  // namespace
}  // namespace millrace
