// Documents of other nodes, piece by piece.
#include "actors/file_fetcher.hpp"

#include <fstream>

#include "runtime/queue/attempt_policy.hpp"
#include "tests/actors/document_fixture.hpp"

namespace millrace {
namespace {

/// A node's reader that answers when the test says so.
struct scripted_reader {
  std::string content;
  std::int64_t changed = 1;
  error problem{ec::none, {}};
  bool silent = false;
  std::vector<read_file> asked;

  file_reader_actor spawn(virtual_engine& engine) {
    return engine.keep(engine.system.spawn(
        [this](file_reader_actor::pointer self) -> file_reader_actor::behavior_type {
          return {[this, self](const read_file& m) -> caf::result<file_piece> {
            asked.push_back(m);
            if (silent) return kept_.emplace_back(self->make_response_promise<file_piece>());
            if (problem.code != ec::none) return to_caf(problem);
            return file_piece{
                content.substr(std::min<std::size_t>(m.offset, content.size()), m.length),
                {content.size(), changed}};
          }};
        }));
  }
  void forget() { kept_.clear(); }

 private:
  std::vector<caf::typed_response_promise<file_piece>> kept_;
};

class file_fetcher_test : public document_test {
 protected:
  scripted_reader reader;
  file_fetcher_actor fetcher;
  file_reader_actor reader_handle;

  void start_fetcher(byte_size scratch = 64_MiB) {
    reader_handle = reader.spawn(engine);
    fetcher = engine.spawn<file_fetcher_actor_impl>("file_fetcher",
                                                    file_fetcher_config{scratch, engine.counters});
    link();
  }
  void link() { tell({offer()}); }
  node_offer offer() {
    node_offer o;
    o.node = "b";
    o.files = reader_handle;
    return o;
  }
  void tell(std::vector<node_offer> offers) {
    caf::anon_send(fetcher, peers_changed{std::move(offers)});
    engine.run();
  }
  result<file_fetched> fetch(std::uint64_t size = 1,
                             const std::string& uri = "file://b/srv/a.txt") {
    return engine.ask<file_fetched>(fetcher, fetch_file{7, uri, size});
  }
  void TearDown() override { reader.forget(); }
};

TEST_F(file_fetcher_test, brings_a_file_in_pieces_and_keeps_it_while_it_is_held) {
  start_fetcher();
  for (std::size_t i = 0; i < (5U << 20) / 2; ++i) reader.content += static_cast<char>(i * 31);
  auto fetched = fetch(reader.content.size());
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(reader.asked.size(), 3U);
  EXPECT_EQ(fetched->version, (file_version{reader.content.size(), reader.changed}));
  EXPECT_EQ(fetched->file->read(0, reader.content.size()), reader.content);
  std::ifstream in{fetched->file->path(), std::ios::binary};
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), reader.content);
}

TEST_F(file_fetcher_test, an_empty_file_and_one_of_whole_pieces_have_an_end) {
  start_fetcher();
  EXPECT_TRUE(fetch(0));
  reader.content.assign(2 * read_file::max_piece, 'x');
  reader.asked.clear();
  ASSERT_TRUE(fetch(reader.content.size()));
  EXPECT_EQ(reader.asked.size(), 3U);
}

TEST_F(file_fetcher_test, what_the_node_says_of_its_file_is_what_the_document_ends_with) {
  start_fetcher();
  reader.problem = {ec::source_missing, "gone"};
  const auto fetched = fetch();
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code, ec::source_missing);
  EXPECT_EQ(fetched.error().message, "gone");
}

TEST_F(file_fetcher_test, a_node_that_is_not_there_or_does_not_answer_is_away) {
  start_fetcher();
  EXPECT_EQ(fetch(1, "file://c/a").error().code, ec::source_away);
  reader.silent = true;
  auto pending = (*engine.self)->request(fetcher, caf::infinite, fetch_file{7, "file://b/a", 1});
  engine.run();
  EXPECT_TRUE((*engine.self)->mailbox().empty());
  engine.advance(file_fetcher_actor_impl::answer_limit + std::chrono::seconds{1},
                 std::chrono::seconds{1});
  ASSERT_FALSE((*engine.self)->mailbox().empty());
  ec code = ec::none;
  pending.receive([](const file_fetched&) {},
                  [&](const caf::error& e) { code = from_caf(e).code; });
  EXPECT_EQ(code, ec::source_away);
}

TEST_F(file_fetcher_test, a_node_that_does_not_answer_costs_its_own_share) {
  start_fetcher();
  reader.silent = true;
  scripted_reader other;
  other.content = "text";
  auto quick = offer();
  quick.node = "c";
  quick.files = other.spawn(engine);
  tell({offer(), quick});
  for (auto i = 2 * file_fetcher_actor_impl::max_transfers; i > 0; --i)
    (*engine.self)->send(fetcher, fetch_file{1, "file://b/a", 1});
  engine.run();
  EXPECT_EQ(reader.asked.size(), file_fetcher_actor_impl::max_transfers_of_node);
  const auto fetched = fetch(4, "file://c/a");
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(fetched->file->read(0, 4), "text");
}

TEST_F(file_fetcher_test, a_lost_link_ends_its_transfers_at_once) {
  start_fetcher();
  reader.silent = true;
  auto pending = (*engine.self)->request(fetcher, caf::infinite, fetch_file{7, "file://b/a", 1});
  engine.run();
  tell({});
  ASSERT_FALSE((*engine.self)->mailbox().empty());
  ec code = ec::none;
  pending.receive([](const file_fetched&) {},
                  [&](const caf::error& e) { code = from_caf(e).code; });
  EXPECT_EQ(code, ec::source_away);
}

TEST_F(file_fetcher_test, a_file_that_changes_in_between_is_begun_again_and_then_given_up) {
  start_fetcher();
  reader.content.assign(read_file::max_piece + 1, 'x');
  // Each question finds the file changed.
  auto changing = engine.keep(
      engine.system.spawn([this](file_reader_actor::pointer) -> file_reader_actor::behavior_type {
        return {[this](const read_file& m) {
          reader.asked.push_back(m);
          return file_piece{reader.content.substr(m.offset, m.length),
                            {reader.content.size(), ++reader.changed}};
        }};
      }));
  auto o = offer();
  o.files = changing;
  tell({o});
  const auto fetched = fetch(reader.content.size());
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code, ec::source_unreadable);
  EXPECT_EQ(reader.asked.size(), 2U * file_fetcher_actor_impl::max_beginnings);
}

TEST_F(file_fetcher_test, held_files_are_bounded_in_bytes) {
  start_fetcher(byte_size{100});
  reader.content.assign(60, 'x');
  auto first = fetch(60);
  ASSERT_TRUE(first);
  auto pending = (*engine.self)->request(fetcher, caf::infinite, fetch_file{8, "file://b/b", 60});
  engine.run();
  EXPECT_TRUE((*engine.self)->mailbox().empty()) << "60 and 60 are more than 100";
  first = fail(ec::none, {});  // nobody holds it any more
  engine.run();
  ASSERT_FALSE((*engine.self)->mailbox().empty());
  bool arrived = false;
  pending.receive([&](const file_fetched&) { arrived = true; }, [](const caf::error&) {});
  EXPECT_TRUE(arrived);
  engine.run();
  reader.content.assign(1000, 'x');
  EXPECT_TRUE(fetch(1000)) << "a larger one alone";
}

TEST_F(file_fetcher_test, a_document_of_another_node_is_extracted_from_what_was_fetched) {
  start_fetcher();
  reader.content = "of node b";
  config.node = "a";
  start();
  roles.files = fetcher;
  announce();
  lease work{.token = 1, .document_id = 7, .dataset_id = 1, .size = 9, .uri = "file://b/srv/a.txt"};
  ASSERT_TRUE(deliver(work));
  ASSERT_EQ(extractions.size(), 1U);
  std::ifstream in{extractions[0].request.path};
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), reader.content);
  extracted(fail(ec::malformed_document, "no"));
  write();
  ASSERT_EQ(writer.written.size(), 1U);
}

TEST_F(file_fetcher_test, a_document_whose_node_is_away_waits_at_no_cost) {
  start_fetcher();
  config.node = "a";
  start();
  roles.files = fetcher;
  announce();
  tell({});
  lease work{.token = 1, .document_id = 7, .dataset_id = 1, .size = 9, .uri = "file://b/srv/a.txt"};
  ASSERT_TRUE(deliver(work));
  EXPECT_TRUE(extractions.empty());
  ASSERT_EQ(log->returned.size(), 1U);
  EXPECT_EQ(log->returned[0].reason, release_reason::drained);
  EXPECT_EQ(log->returned[0].delay_ms, static_cast<std::uint64_t>(away_delay.count()));
  EXPECT_EQ(log->returned[0].waits_for, "b");
}

TEST_F(file_fetcher_test, a_document_whose_fetcher_died_waits_for_the_next_one) {
  start_fetcher();
  config.node = "a";
  start();
  roles.files = fetcher;
  announce();
  reader.silent = true;
  lease work{.token = 1, .document_id = 7, .dataset_id = 1, .size = 9, .uri = "file://b/srv/a.txt"};
  ASSERT_TRUE(deliver(work));
  engine.kill(fetcher);
  ASSERT_EQ(log->returned.size(), 1U);
  EXPECT_EQ(log->returned[0].reason, release_reason::drained);
  EXPECT_EQ(log->returned[0].delay_ms, static_cast<std::uint64_t>(away_delay.count()));
  EXPECT_EQ(log->returned[0].waits_for, "") << "its node is not away";
}

TEST_F(file_fetcher_test, a_document_of_this_node_is_read_in_place) {
  config.node = "a";
  start();
  ASSERT_TRUE(
      deliver({.token = 1, .document_id = 7, .dataset_id = 1, .uri = "file://a/srv/x.txt"}));
  ASSERT_EQ(extractions.size(), 1U);
  EXPECT_EQ(extractions[0].request.path, "/srv/x.txt");
}

}  // namespace
}  // namespace millrace
