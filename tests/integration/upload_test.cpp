// Files from a machine whose disk the node does not see: sent by the command or by any HTTP client.
#include <csignal>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/core/sha256.hpp"
#include "runtime/http/client.hpp"
#include "tests/integration/live_node.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;

/// Takes the first connection to a port of 127.0.0.1, and breaks it.
class breaking_listener {
 public:
  explicit breaking_listener(int port) : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    const timeval limit{patience.count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~breaking_listener() { ::close(fd_); }
  breaking_listener(const breaking_listener&) = delete;
  breaking_listener& operator=(const breaking_listener&) = delete;

  void break_one() const {
    const int taken = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_GE(taken, 0) << "nobody connected";
    ::close(taken);
  }

 private:
  int fd_;
};

/// A node, a funded account, and files outside of everything that the node may read.
class uploads : public ::testing::Test {
 protected:
  void SetUp() override {
    // A node that has just started leads the ledger in a moment.
    ASSERT_TRUE(eventually([&] {
      return node.post("/v1/credits/grant", R"({"amount":10000,"idempotency_key":"fund"})")
                 .status == 200;
    }));
    for (const auto* below : {"even", "odd"}) std::filesystem::create_directories(folder() / below);
    for (int i = 0; i < files; ++i)
      write_text(folder() / (i % 2 == 0 ? "even" : "odd") / ("page " + std::to_string(i) + ".txt"),
                 "Sluice number " + std::to_string(i) + " lifts the boats of the canal.");
  }
  std::filesystem::path folder() const { return w.path() / "elsewhere"; }
  std::vector<std::string> command() const {
    return {"submit", "--upload", "--dataset", "u", "--endpoint", node.url, folder().native()};
  }
  outcome send(const std::vector<std::string>& more = {}) const {
    auto words = command();
    words.insert(words.end(), more.begin(), more.end());
    return w.run(words);
  }
  bool ends(const std::string& dataset = "u") const {
    return eventually([&] {
      return std::string{node.json("/v1/datasets/" + dataset)["status"].GetString()} !=
             "processing";
    });
  }
  std::string charges() const {
    return w.sql(
        "select coalesce(string_agg(amount::text, ' ' order by id), '') from credit_transactions "
        "where type = 'batch_deduction'");
  }
  std::filesystem::path kept(const std::string& name) const {
    return w.data() / "uploads" / w.sql("select left(id::text, 8) from database_identity") /
           "local" / w.sql("select id from datasets where name = 'u'") / name;
  }
  static ino_t inode(const std::filesystem::path& file) {
    struct stat status {};
    EXPECT_EQ(::stat(file.c_str(), &status), 0) << file;
    return status.st_ino;
  }
  static std::string status_in(const reply& r) { return parse_json(r.body)["status"].GetString(); }

  static constexpr int files = 20;
  workspace w;
  live_node node{w, "local"};
};

TEST_F(uploads, a_folder_is_one_submission_with_one_deduction) {
  const auto sent = send();
  ASSERT_EQ(sent.exit_code, 0) << sent.err;
  EXPECT_THAT(sent.out, HasSubstr("20 documents submitted"));
  ASSERT_TRUE(ends());
  EXPECT_EQ(w.sql("select count(*) from documents_v1 where dataset = 'u' and status = 'ready'"),
            "20");
  EXPECT_EQ(charges(), "-200");
  EXPECT_EQ(read_text(kept("odd/page 7.txt")), "Sluice number 7 lifts the boats of the canal.");

  write_text(folder() / "odd" / "page 7.txt", "The sluice is closed.");
  const auto again = send();
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("1 documents submitted, 19 unchanged"));
  ASSERT_TRUE(ends());
  EXPECT_EQ(charges(), "-200 -10");
  EXPECT_EQ(w.sql("select count(*) from chunks_v1 where text like '%is closed%'"), "1");
  EXPECT_EQ(w.sql("select count(*) from documents_v1"), "20");

  std::filesystem::remove(folder() / "odd" / "page 7.txt");
  EXPECT_EQ(send({"--prune"}).exit_code, 0);
  EXPECT_EQ(w.sql("select count(*) from documents_v1"), "19");
  EXPECT_EQ(send({"--exclude", "odd*"}).exit_code, 0);
  EXPECT_EQ(charges(), "-200 -10");
}

TEST_F(uploads, one_file_by_any_client_is_charged_when_it_is_new_or_changed) {
  const std::string target = "/v1/datasets/u/documents/manual/a%20b.txt";
  const auto first = node.put(target, "The lock keeper opens the gate.");
  ASSERT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(status_in(first), "queued");
  EXPECT_THAT(first.body, HasSubstr("/manual/a%20b.txt\""));
  ASSERT_TRUE(ends());
  const auto same = node.put(target, "The lock keeper opens the gate.");
  EXPECT_EQ(same.status, 200) << same.body;
  EXPECT_EQ(status_in(same), "unchanged");
  EXPECT_EQ(charges(), "-10");
  EXPECT_EQ(node.put(target, "The lock keeper closes the gate.").status, 201);
  ASSERT_TRUE(ends());
  EXPECT_EQ(charges(), "-10 -10");
  EXPECT_EQ(w.sql("select text from chunks_v1"), "The lock keeper closes the gate.");
  EXPECT_EQ(w.sql("select status from documents_v1"), "ready");
}

TEST_F(uploads, what_is_only_stored_is_queued_by_a_submission_that_names_it) {
  std::string uris;
  for (const auto* name : {"a.txt", "b.txt"}) {
    const auto stored =
        node.put(std::string{"/v1/datasets/u/documents/"} + name + "?queue=false", name);
    ASSERT_EQ(stored.status, 201) << stored.body;
    EXPECT_EQ(status_in(stored), "stored");
    uris += (uris.empty() ? "\"" : ",\"") +
            std::string{parse_json(stored.body)["uri"].GetString()} + "\"";
  }
  EXPECT_EQ(charges(), "");
  EXPECT_EQ(node.post("/v1/datasets", R"({"name":"other","uris":[)" + uris + "]}").status, 403)
      << "uploads belong to one dataset";
  EXPECT_EQ(node.post("/v1/datasets", R"({"name":"u","uris":[)" + uris + "]}").status, 201);
  ASSERT_TRUE(ends());
  EXPECT_EQ(charges(), "-20");
}

TEST_F(uploads, a_file_stays_as_it_is_while_its_document_waits) {
  const std::string target = "/v1/datasets/u/documents/a.txt";
  ASSERT_EQ(node.put(target, "The first version.").status, 201);
  ASSERT_TRUE(ends());
  w.sql("update documents set status = 'queued'");  // In work somewhere.
  for (const auto* query : {"", "?queue=false"}) {
    const auto pending = node.put(target + query, "The second version.");
    EXPECT_EQ(pending.status, 200) << pending.body;
    EXPECT_EQ(status_in(pending), "pending");
    EXPECT_EQ(read_text(kept("a.txt")), "The first version.");
  }
  EXPECT_EQ(charges(), "-10");
  w.sql("update documents set status = 'ready'");
  EXPECT_EQ(status_in(node.put(target, "The second version.")), "queued");
  EXPECT_EQ(read_text(kept("a.txt")), "The second version.");
}

TEST_F(uploads, no_submission_names_a_folder_that_contains_all_uploads) {
  ASSERT_EQ(node.put("/v1/datasets/u/documents/a.txt", "text").status, 201);
  for (const auto& above : {w.data() / "uploads", w.data(), w.path(), std::filesystem::path{"/"}}) {
    const auto refused =
        node.post("/v1/datasets", R"({"name":"other","uris":["file://)" + above.native() + "\"]}");
    EXPECT_EQ(refused.status, 403) << above << " " << refused.body;
  }
}

TEST_F(uploads, names_and_accounts_that_cannot_be_are_refused) {
  for (const auto* name : {"..%2F..%2Fx", "../x", "a/../x", "a//b", "%2Fetc%2Fx", "a%00b", "."}) {
    const auto refused = node.put(std::string{"/v1/datasets/u/documents/"} + name, "text");
    EXPECT_EQ(refused.status, 400) << name << " " << refused.body;
    EXPECT_THAT(refused.body, HasSubstr("invalid_argument")) << name;
  }
  ASSERT_EQ(node.put("/v1/datasets/u/documents/a", "text").status, 201);
  const auto other = node.put("/v1/datasets/u/documents/b?account=somebody", "text");
  EXPECT_EQ(other.status, 409) << other.body;
  EXPECT_EQ(node.put("/v1/datasets/u/documents/b?queue=maybe", "text").status, 400);
  EXPECT_EQ(w.sql("select count(*) from documents"), "1");
}

TEST_F(uploads, a_signal_ends_the_sending_and_nothing_is_submitted) {
  node.process->signal(SIGSTOP);  // takes connections, and answers none
  const auto sending = w.start(command());
  EXPECT_TRUE(eventually([&] { return has_socket(sending->pid()); }));
  sending->signal(SIGINT);
  const auto ended = sending->wait();
  node.process->signal(SIGCONT);
  EXPECT_EQ(ended.exit_code, 1) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("nothing was submitted"));
  EXPECT_EQ(w.sql("select count(*) from documents"), "0");
  EXPECT_EQ(charges(), "");
}

TEST_F(uploads, a_node_that_goes_and_comes_back_gets_them_all) {
  node.process->signal(SIGTERM);
  node.process->wait();
  std::unique_ptr<program> sending;
  {
    const breaking_listener port{std::stoi(node.address.substr(node.address.find(':') + 1))};
    sending = w.start(command());
    port.break_one();
  }
  auto config = read_text(w.path() / "local.toml");
  const std::string any_port = "127.0.0.1:0";
  config.replace(config.find(any_port), any_port.size(), node.address);
  write_text(w.path() / "again.toml", config);
  const live_node again{w.start({"node", "--config", (w.path() / "again.toml").native()})};
  const auto sent = sending->wait();
  EXPECT_EQ(sent.exit_code, 0) << sent.err;
  EXPECT_THAT(sent.out, HasSubstr("20 documents submitted"));
  EXPECT_EQ(charges(), "-200");
}

TEST_F(uploads, what_the_node_has_is_not_sent_again) {
  const std::string name = "even/page 0.txt";
  const auto text = std::string(200'000, 'w') + ".";
  write_text(folder() / name, text);
  // As a command leaves it that was interrupted the day before yesterday.
  ASSERT_EQ(node.put("/v1/datasets/u/documents/even/page%200.txt?queue=false", text).status, 201);
  const auto now = std::filesystem::file_time_type::clock::now();
  std::filesystem::last_write_time(kept(name), now - std::chrono::hours{48});
  const auto file = inode(kept(name));
  const auto sent = send();
  ASSERT_EQ(sent.exit_code, 0) << sent.err;
  EXPECT_THAT(sent.out, HasSubstr("20 documents submitted"));
  EXPECT_EQ(inode(kept(name)), file);
  EXPECT_GE(std::filesystem::last_write_time(kept(name)), now) << "the sweep would take it";
  ASSERT_TRUE(ends());

  const auto small = inode(kept("odd/page 7.txt"));
  write_text(folder() / name, std::string(200'000, 'v') + ".");
  const auto again = send();
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("1 documents submitted, 19 unchanged"));
  EXPECT_NE(inode(kept(name)), file);
  EXPECT_NE(inode(kept("odd/page 7.txt")), small) << "smaller ones are sent without asking";
}

TEST_F(uploads, any_client_may_ask_whether_a_content_is_there) {
  const auto put = [&](const std::string& tag, const std::string& body) {
    http::request r;
    r.method = "PUT";
    r.headers["if-none-match"] = tag;
    r.body = body;
    http::parse_target("/v1/datasets/u/documents/a.txt", r);
    const auto answered = http::send({node.url, ""}, r, patience);
    return answered ? reply{answered->status, answered->body} : reply{};
  };
  const std::string text = "The weir is open.";
  const auto tag = '"' + sha256_hex(text) + '"';
  EXPECT_EQ(put(tag, text).status, 201) << "nothing is there yet";
  ASSERT_TRUE(ends());
  const auto there = put(tag, text);
  EXPECT_EQ(there.status, 412) << there.body;
  EXPECT_EQ(status_in(there), "unchanged");
  EXPECT_THAT(there.body, HasSubstr("/a.txt\""));

  w.sql("update documents set status = 'queued'");  // In work somewhere.
  const auto version = std::filesystem::last_write_time(kept("a.txt"));
  EXPECT_EQ(put(tag, text).status, 412);
  EXPECT_EQ(std::filesystem::last_write_time(kept("a.txt")), version);
  w.sql("update documents set status = 'ready'");

  const std::string other = "The weir is shut.";
  EXPECT_EQ(put(tag, other).status, 412) << "what is asked about is there, whatever is sent";
  EXPECT_EQ(put('"' + sha256_hex(other) + '"', other).status, 201);
  const std::vector<std::string> malformed{"*", "\"\"", "\"abc\"", "W/" + tag, tag.substr(1)};
  for (const auto& bad : malformed) EXPECT_EQ(put(bad, text).status, 400) << bad;
  EXPECT_EQ(charges(), "-10 -10");
}

TEST_F(uploads, a_file_that_cannot_be_read_is_left_out_and_said) {
  // Shorter than it says, for root too.
  const std::filesystem::path shorter = "/sys/kernel/profiling";
  std::error_code missing;
  if (std::filesystem::file_size(shorter, missing) < 100 || missing) GTEST_SKIP();
  std::filesystem::create_symlink(shorter, folder() / "odd" / "broken.txt");
  const auto sent = send();
  EXPECT_EQ(sent.exit_code, 1) << sent.err;
  EXPECT_THAT(sent.err, HasSubstr("skipped: "));
  ASSERT_TRUE(ends());
  EXPECT_EQ(w.sql("select count(*) from documents_v1 where status = 'ready'"), "20");
  const auto pruned = send({"--prune"});
  EXPECT_EQ(pruned.exit_code, 1);
  EXPECT_THAT(pruned.err, HasSubstr("--prune would remove"));
}

}  // namespace
}  // namespace millrace
