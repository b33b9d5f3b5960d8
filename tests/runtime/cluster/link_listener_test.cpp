// The port of the links by itself, without an actor system: who is let in, and what it costs that
// others come.
#include "runtime/cluster/link_listener.hpp"

#include <condition_variable>

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/support/free_port.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/throwing_job.hpp"

namespace millrace {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

/// More than anything here takes: only a failure waits so long.
constexpr seconds patience{60};

class link_listener_test : public ::testing::Test {
 protected:
  temporary_directory folder;
  std::mutex mutex;
  std::condition_variable came;
  std::vector<std::shared_ptr<link_session>> admitted;
  link_address at{"127.0.0.1", 0};
  std::unique_ptr<link_certificates> certificates = certificates_of("a");
  std::unique_ptr<link_listener> listener;

  tls_settings issued(const std::string& node, const std::string& where = "certs") {
    const auto directory = folder.path() / where;
    const auto made = certificate_authority::open(directory, "test")->issue(node, 30);
    EXPECT_TRUE(made) << made.error().message;
    return {made->certificate, made->key, (directory / "ca.pem").native()};
  }
  std::unique_ptr<link_certificates> certificates_of(const std::string& node,
                                                     const std::string& where = "certs") {
    auto made = link_certificates::create(issued(node, where), node);
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }
  void SetUp() override {
    at.port = free_port();
    auto opened = link_listener::open(at, *certificates, [this](auto session) {
      const std::lock_guard lock{mutex};
      admitted.push_back(std::move(session));
      came.notify_all();
    });
    ASSERT_TRUE(opened) << opened.error().message;
    listener = std::move(*opened);
  }
  unique_fd visit() {
    unique_fd fd;
    EXPECT_EQ(connect_to(at, patience, fd), std::nullopt);
    return fd;
  }
  /// Waits until the other end has closed; how long that took.
  static std::optional<std::chrono::milliseconds> until_closed(const unique_fd& fd) {
    const auto begun = std::chrono::steady_clock::now();
    char bytes[256];
    for (;;) {
      pollfd p{fd.get(), POLLIN, 0};
      if (::poll(&p, 1, static_cast<int>(std::chrono::milliseconds{patience}.count())) != 1)
        return std::nullopt;
      if (::recv(fd.get(), bytes, sizeof bytes, 0) <= 0)
        return std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - begun);
    }
  }
  std::shared_ptr<link_session> next_admitted() {
    std::unique_lock lock{mutex};
    if (!came.wait_for(lock, patience, [&] { return !admitted.empty(); })) return nullptr;
    auto first = admitted.front();
    admitted.erase(admitted.begin());
    return first;
  }
  std::string why_not(const link_certificates& shown, const std::string& dialled = "a") {
    const auto session = dial_link(at, dialled, shown.context());
    return session ? "" : session.error().message;
  }
};

TEST_F(link_listener_test, both_ends_know_whose_certificate_the_other_has) {
  const auto b = certificates_of("b");
  const auto dialled = dial_link(at, "a", b->context());
  ASSERT_TRUE(dialled) << dialled.error().message;
  EXPECT_TRUE((*dialled)->peer_is("a"));
  EXPECT_FALSE((*dialled)->peer_is("b"));
  const auto here = next_admitted();
  ASSERT_TRUE(here);
  EXPECT_TRUE(here->peer_is("b"));
  // What one writes the other reads, in both directions, and nothing blocks.
  char byte = 0;
  EXPECT_TRUE(here->read(&byte, 1).open);
  EXPECT_EQ(here->read(&byte, 1).bytes, 0U);
  EXPECT_EQ(here->write("xy", 2).bytes, 2U);
  pollfd p{(*dialled)->descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&p, 1, 60'000), 1);
  EXPECT_EQ((*dialled)->read(&byte, 1).bytes, 1U);
  EXPECT_EQ(byte, 'x');
  EXPECT_EQ((*dialled)->pending(), 1U);
}

TEST_F(link_listener_test, who_is_not_of_the_ca_is_told_so_and_not_let_in) {
  EXPECT_THAT(why_not(*certificates_of("b", "other")), HasSubstr("the handshake failed: "));
  const auto b = certificates_of("b");
  EXPECT_EQ(why_not(*b, "c"), "the certificate shown there is of `a`, not of node `c`");
  // Trusts this one, and has itself a certificate of another CA.
  auto mixed = issued("b", "other");
  const auto theirs = load_tls_context(mixed, "b");
  std::filesystem::copy_file(folder.path() / "certs" / "ca.pem", folder.path() / "both.pem");
  std::ofstream{folder.path() / "both.pem", std::ios::app} << std::ifstream{mixed.ca}.rdbuf();
  mixed.ca = folder.path() / "both.pem";
  const auto half = link_certificates::create(mixed, "b");
  ASSERT_TRUE(half) << half.error().message;
  EXPECT_THAT(why_not(**half), HasSubstr("it does not accept this node's certificate"));
}

TEST_F(link_listener_test, an_exception_costs_one_connection_at_most) {
  const auto b = certificates_of("b");
  {
    const throwing_job thrower{"link handshake"};
    EXPECT_NE(why_not(*b), "");
    EXPECT_EQ(why_not(*b), "");
  }
  const throwing_job thrower{"link listener"};
  EXPECT_EQ(why_not(*b), "");
  EXPECT_EQ(why_not(*b), "");
  EXPECT_GE(thrower.begun(), 2);
}

TEST_F(link_listener_test, strangers_are_dropped_in_time_and_nobody_waits_for_them) {
  std::vector<unique_fd> silent;
  for (std::size_t i = 0; i < 2 * link_listener::max_strangers; ++i) silent.push_back(visit());
  const auto half = visit();
  constexpr std::string_view begun{"\x16\x03\x01\x02", 4};
  ASSERT_EQ(::send(half.get(), begun.data(), begun.size(), MSG_NOSIGNAL), 4);
  const auto garbage = visit();
  constexpr std::string_view noise = "GET / HTTP/1.1\r\n\r\n";
  ASSERT_GT(::send(garbage.get(), noise.data(), noise.size(), MSG_NOSIGNAL), 0);
  EXPECT_EQ(why_not(*certificates_of("b")), "") << "while they are there";
  EXPECT_TRUE(until_closed(garbage));
  for (const auto& fd : silent) {
    const auto took = until_closed(fd);
    ASSERT_TRUE(took);
    EXPECT_LT(*took, seconds{30}) << "3 s were meant";
  }
  EXPECT_TRUE(until_closed(half));
  EXPECT_TRUE(next_admitted());
  EXPECT_TRUE(admitted.empty());
}

TEST_F(link_listener_test, silent_sessions_are_shut_down_and_no_other_descriptor) {
  // In this process, with the same port, just as silent, and not the listener's.
  const link_address beside{"127.0.0.2", at.port};
  unique_fd listens, theirs;
  ASSERT_EQ(listen_at(beside, listens), std::nullopt);
  ASSERT_EQ(connect_to(beside, patience, theirs), std::nullopt);
  pollfd p{listens.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&p, 1, 60'000), 1);
  const unique_fd ours{::accept4(listens.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  ASSERT_TRUE(ours);
  const auto dialled = dial_link(at, "a", certificates_of("b")->context());
  ASSERT_TRUE(dialled) << dialled.error().message;
  const auto here = next_admitted();
  ASSERT_TRUE(here);
  char byte;
  pollfd end{(*dialled)->descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&end, 1, 60'000), 1) << "it is never shut down";
  EXPECT_FALSE((*dialled)->read(&byte, 1).open);
  for (const unique_fd* fd : std::initializer_list<const unique_fd*>{&ours, &theirs}) {
    EXPECT_EQ(::recv(fd->get(), &byte, 1, MSG_DONTWAIT), -1);
    EXPECT_EQ(errno, EAGAIN) << "this connection is none of the listener's";
  }
}

}  // namespace
}  // namespace millrace
