// `millrace top` and `millrace watch` on a node that works, and `top` on a real terminal.
#include <csignal>

#include <gmock/gmock.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/integration/live_node.hpp"
#include "tests/support/embedding/fake_embedding_server.hpp"

namespace millrace {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string enters = "\033[?1049h\033[?25l\033[?7l";
const std::string leaves = "\033[?7h\033[?25h\033[?1049l";

/// millrace on a pseudo-terminal of 100 x 20.
class on_terminal {
 public:
  explicit on_terminal(std::vector<std::string> words) {
    words.insert(words.begin(), millrace_binary());
    std::vector<char*> argv;
    for (auto& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    const winsize size{20, 100, 0, 0};
    pid_ = forkpty(&master_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      setenv("TERM", "xterm", 1);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }
  ~on_terminal() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(master_);
  }
  on_terminal(const on_terminal&) = delete;
  on_terminal& operator=(const on_terminal&) = delete;

  /// Reads on until `words` came, and keeps what comes after them for the next time.
  bool shows(const std::string& words) {
    return eventually([&] {
      read_on();
      const auto at = seen.find(words, from_);
      if (at == std::string::npos) return false;
      from_ = at + words.size();
      return true;
    });
  }
  void press(char key) const { EXPECT_EQ(::write(master_, &key, 1), 1); }
  void resize(unsigned short rows, unsigned short columns) const {
    const winsize size{rows, columns, 0, 0};
    EXPECT_EQ(::ioctl(master_, TIOCSWINSZ, &size), 0);
  }
  void signal(int number) const { ::kill(pid_, number); }
  pid_t pid() const { return pid_; }
  /// Its exit code, 128 + a signal's number, or -1: it does not end.
  int ends() {
    int status = 0;
    if (!eventually([&] {
          read_on();
          return ::waitpid(pid_, &status, WNOHANG) == pid_;
        }))
      return -1;
    pid_ = -1;
    read_on();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  /// Lines are edited and shown, Ctrl-Z stops: as it was at first.
  bool terminal_is_as_before() const {
    termios now{};
    return tcgetattr(master_, &now) == 0 && (now.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO) &&
           now.c_cc[VSUSP] == 26;
  }

  std::string seen;

 private:
  void read_on() {
    pollfd ready{master_, POLLIN, 0};
    char bytes[4096];
    while (::poll(&ready, 1, 0) == 1) {
      const auto count = ::read(master_, bytes, sizeof bytes);
      if (count <= 0) return;
      seen.append(bytes, static_cast<std::size_t>(count));
    }
  }

  pid_t pid_ = -1;
  int master_ = -1;
  std::size_t from_ = 0;
};

TEST(top, without_a_terminal_it_prints_one_picture) {
  workspace w;
  w.add_documents(2);
  live_node node{w, "alone"};
  const auto once = w.run({"top", "--endpoint", node.url});
  EXPECT_EQ(once.exit_code, 0) << once.err;
  EXPECT_THAT(once.out, StartsWith("cluster "));
  EXPECT_THAT(once.out, HasSubstr("nodes: 1 running\n"));
  EXPECT_THAT(once.out, Not(HasSubstr("\033")));
  const auto object = w.json({"top"});  // by the data directory
  ASSERT_EQ(object["nodes"].Size(), 1U);
  EXPECT_STREQ(object["nodes"][0]["node"].GetString(), "alone");
  EXPECT_TRUE(object["nodes"][0]["answers"].GetBool());
  EXPECT_GT(object["roles"].Size(), 5U);
  node.process->signal(SIGTERM);
  node.process->wait();
  const auto after = w.run({"top"});
  EXPECT_EQ(after.exit_code, 0) << after.err;
  EXPECT_THAT(after.out, HasSubstr("nodes: 1 stopped\n"));
  EXPECT_THAT(after.out, HasSubstr("no node answers here"));
  EXPECT_EQ(w.run({"top", "--endpoint", node.url}).exit_code, 1);
  EXPECT_EQ(w.run({"top", "--interval", "0.1"}).exit_code, 2);
  EXPECT_EQ(w.run({"top", "--interval", "nan"}).exit_code, 2);
}

TEST(top, fills_a_terminal_until_a_key_or_a_signal_and_gives_it_back) {
  workspace w;
  live_node node{w, "alone"};
  for (const int how : {int{'q'}, 3, -SIGTERM}) {  // 3: Ctrl-C
    on_terminal top{{"top", "--interval", "0.5", "--endpoint", node.url}};
    ASSERT_TRUE(top.shows(enters));
    ASSERT_TRUE(top.shows("nodes: 1 running")) << top.seen;
    top.resize(12, 40);
    EXPECT_TRUE(top.shows(" more")) << "12 lines are too few";
    if (how < 0)
      top.signal(-how);
    else
      top.press(static_cast<char>(how));
    EXPECT_EQ(top.ends(), 0) << how;
    EXPECT_THAT(top.seen, EndsWith(leaves));
    EXPECT_TRUE(top.terminal_is_as_before());
  }
}

TEST(top, says_when_the_node_is_gone_and_goes_on_when_it_is_back) {
  workspace w;
  auto node = std::make_unique<live_node>(w, "alone");
  on_terminal top{{"top", "--interval", "0.5", "--data", w.data().native()}};
  ASSERT_TRUE(top.shows("nodes: 1 running")) << top.seen;
  node->process->signal(SIGKILL);
  node->process->wait();
  EXPECT_TRUE(top.shows("no answer for ")) << top.seen;
  node = std::make_unique<live_node>(w, "newcomer");
  EXPECT_TRUE(top.shows("newcomer ")) << top.seen;
  top.press('q');
  EXPECT_EQ(top.ends(), 0);
}

TEST(top, ends_without_the_answer_of_a_node_that_gives_none) {
  workspace w;
  live_node node{w, "alone"};
  node.process->signal(SIGSTOP);  // takes connections, and answers none
  // What is asked first is given up first, after picture_patience.
  const auto patient = w.start({"top", "--endpoint", node.url});
  EXPECT_TRUE(eventually([&] { return has_socket(patient->pid()); }));
  on_terminal top{{"top", "--endpoint", node.url}};
  EXPECT_TRUE(top.shows("asking"));
  EXPECT_TRUE(eventually([&] { return has_socket(top.pid()); }));
  top.press('q');
  EXPECT_EQ(top.ends(), 0);
  EXPECT_TRUE(patient->running());
  EXPECT_TRUE(top.terminal_is_as_before());
  node.process->signal(SIGCONT);
  EXPECT_EQ(patient->wait().exit_code, 0);
}

TEST(watch, ends_with_the_dataset_as_run_does) {
  workspace w;
  w.add_documents(3);
  w.add_document("broken.bin", std::string("\x01\x02\x00\xff\xfe\x7f\x00\x03", 8));
  fake_embedding_server server{{}};
  server.set_latency(std::chrono::hours{1});
  const auto config = w.add_config(remote_config(server.base_url(), 2));
  const auto running = w.start({"run", "--dataset", "d", "--config", config, w.documents()});
  ASSERT_TRUE(eventually([&] { return server.count().requests >= 1; })) << running->err();
  const auto one = w.start({"watch", "d"});
  const auto all = w.start({"watch", "--json"});
  const auto left = w.start({"watch"});
  EXPECT_TRUE(eventually([&] { return one->err().find("of 4 done") != std::string::npos; }))
      << one->err();
  left->signal(SIGINT);
  EXPECT_EQ(left->wait().exit_code, 130);
  running->signal(SIGKILL);
  running->wait();
  server.set_latency(std::chrono::milliseconds{0});
  EXPECT_EQ(w.run({"run", "--dataset", "d", "--config", config, w.documents()}).exit_code, 3);
  const auto ended = one->wait();
  EXPECT_EQ(ended.exit_code, 3) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("d        ready   4      3      1"));
  const auto object = all->wait();
  EXPECT_EQ(object.exit_code, 3) << object.err;
  EXPECT_EQ(number_at(parse_json(object.out)["datasets"][0], "failed"), 1);
  const auto none = w.run({"watch"});
  EXPECT_EQ(none.exit_code, 0);
  EXPECT_THAT(none.err, HasSubstr("no dataset is at work"));
  EXPECT_EQ(w.run({"watch", "nowhere"}).exit_code, 1);
}

}  // namespace
}  // namespace millrace
