#include "app/extractor/launcher.hpp"

#include <array>
#include <cstdio>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/extractor/landlock.hpp"
#include "runtime/extraction/extractor_process.hpp"
#include "tests/runtime/extraction/pool_fixture.hpp"

namespace millrace::extraction {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The greeting that starts a process, as printf(1) takes it.
std::string greeting() {
  std::string frame;
  append_hello(frame);
  std::string out;
  for (const char c : frame) {
    std::array<char, 5> octal{};
    std::snprintf(octal.data(), octal.size(), "\\%03o", static_cast<unsigned char>(c));
    out += octal.data();
  }
  return out;
}

/// Scripts greet, wait for a line, and then say on the socket what they find.
class launcher : public pool_fixture {
 protected:
  void SetUp() override {
    if (landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock";
    fs::permissions(directory_, fs::perms::all);
  }

  std::string file(const std::string& name, const std::string& text) const {
    const auto path = directory_ / name;
    fs::create_directories(path.parent_path());
    fs::permissions(path.parent_path(), fs::perms::all);
    std::ofstream{path} << text;
    fs::permissions(path, fs::perms::all);
    return path.string();
  }
  static auto start(const std::vector<std::string>& command) {
    std::vector<std::string> arguments{"--sandbox", "--"};
    arguments.insert(arguments.end(), command.begin(), command.end());
    return extractor_process::start(REAL_EXTRACTOR, -1, arguments);
  }
  static std::string rest_of(int socket) {
    std::string said;
    std::array<char, 4096> buffer{};
    for (;;) {
      const auto got = ::recv(socket, buffer.data(), buffer.size(), 0);
      if (got <= 0) return said;
      said.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  auto start_script(const std::string& body) {
    return start({file("own/parser", "#!/bin/sh\nprintf '" + greeting() +
                                         "' >&3\nread -r go <&3\n" + body + "\n")});
  }
  /// What the script says until it ends.
  std::string run(const std::string& body) {
    auto started = start_script(body);
    if (!started) return started.error().message;
    const int socket = (*started)->socket().socket();
    ::send(socket, "go\n", 3, MSG_NOSIGNAL);
    return rest_of(socket);
  }
  /// "yes" or "no": whether a command of the shell succeeds in the sandbox.
  std::string can(const std::string& command) {
    return run("if (" + command + ") >/dev/null 2>&1; then echo yes >&3; else echo no >&3; fi");
  }
};

TEST_F(launcher, a_script_may_start_programs_and_pipelines) {
  EXPECT_EQ(run("printf 'b\\na\\n' | sort | tr a-z A-Z >&3"), "A\nB\n");
  EXPECT_EQ(can("true"), "yes\n");
  EXPECT_EQ(can("false"), "no\n");
}

TEST_F(launcher, a_script_reads_its_own_folder_and_nothing_of_others) {
  const auto own = file("own/words", "mine");
  const auto secret = file("home/secret", "theirs");
  EXPECT_EQ(can("cat " + own), "yes\n");
  EXPECT_EQ(can("cat " + secret), "no\n");
  EXPECT_EQ(can("ls " + directory_.string()), "no\n");
  EXPECT_EQ(can("cat /proc/$PPID/environ"), "no\n");
  EXPECT_EQ(can("cat /proc/1/environ"), "no\n");
}

TEST_F(launcher, a_script_writes_nothing) {
  const auto own = file("own/words", "mine");
  for (const auto& command : std::vector<std::string>{
           "echo x > " + own, "echo x > /tmp/millrace-launcher-test", "rm " + own, "touch " + own,
           "chmod 600 " + own, "mkdir " + own + ".d", "ln -s / " + own + ".l"})
    EXPECT_EQ(can(command), "no\n") << command;
  EXPECT_FALSE(fs::exists("/tmp/millrace-launcher-test"));
}

TEST_F(launcher, a_script_has_no_network_and_signals_nobody_outside) {
  const std::string python = "python3 -c ";
  EXPECT_EQ(can(python + "'import sys'"), "yes\n");
  EXPECT_EQ(can(python + "'import socket; socket.socket()'"), "no\n");
  EXPECT_EQ(can(python + "'import socket; socket.socket(socket.AF_UNIX)'"), "no\n");
  EXPECT_EQ(can("kill -0 " + std::to_string(::getpid())), "no\n");
  EXPECT_EQ(can("kill -0 $$"), landlock_version() >= landlock_with_signals ? "yes\n" : "no\n");
  EXPECT_EQ(can("setsid true"), "no\n");
}

TEST_F(launcher, a_script_cannot_raise_the_limits_that_the_node_sets) {
  EXPECT_EQ(can("ulimit -S -v unlimited"), "no\n");
  EXPECT_EQ(can("ulimit -S -f unlimited"), "no\n");
}

TEST_F(launcher, children_end_with_their_script) {
  auto started = start_script("sleep 1000 & sleep 1000 & echo $! >&3; exit 0");
  ASSERT_TRUE(started) << started.error().message;
  const int socket = (*started)->socket().socket();
  ::send(socket, "go\n", 3, MSG_NOSIGNAL);
  std::array<char, 32> number{};
  ASSERT_GT(::recv(socket, number.data(), number.size() - 1, 0), 0);
  (*started)->end(std::chrono::seconds{10});
  // The children held the socket; its end says that they are gone.
  EXPECT_EQ(rest_of(socket), "");
}

TEST_F(launcher, a_fork_bomb_ends_with_its_group) {
  auto started = start_script("bomb() { bomb | bomb & }; echo x >&3; bomb; sleep 1000");
  ASSERT_TRUE(started) << started.error().message;
  const int socket = (*started)->socket().socket();
  ::send(socket, "go\n", 3, MSG_NOSIGNAL);
  std::array<char, 2> begun{};
  ASSERT_EQ(::recv(socket, begun.data(), begun.size(), MSG_WAITALL), 2);
  EXPECT_TRUE((*started)->end(std::chrono::milliseconds{0}).killed_here);
  EXPECT_EQ(rest_of(socket), "");
}

TEST_F(launcher, more_processes_than_the_limit_cannot_be_started) {
  if (::geteuid() == 0) GTEST_SKIP() << "the kernel counts no processes of root";
  const auto said =
      run("python3 -c 'import os, time\nn = 0\ntry:\n  while n < 500:\n    if os.fork() == 0: "
          "os.close(3); "
          "time.sleep(100)\n    n += 1\nexcept OSError: pass\nos.write(3, str(n).encode())' "
          "2>/dev/null");
  ASSERT_FALSE(said.empty());
  const int started = std::stoi(said);
  EXPECT_GT(started, 10);
  EXPECT_LT(started, 500);
}

TEST_F(launcher, a_parser_in_python_speaks_the_protocol) {
  const auto parser = file("own/upper.py", R"(
import array, hashlib, os, socket, struct
node = socket.socket(fileno=3)

def text(t):
    return struct.pack("<I", len(t)) + t

def frame(kind, payload):
    node.sendall(struct.pack("<IB", len(payload), kind) + payload)

frame(1, struct.pack("<IH", 0x5458524D, )" + std::to_string(protocol_version) +
                                               R"())
message, control, _, _ = node.recvmsg(65536, socket.CMSG_SPACE(4 * 32))
files = array.array("i")
for _, _, data in control:
    files.frombytes(data)
payload = message[5:]
number, size = struct.unpack_from("<QQ", payload, 11)
words = os.read(files[0], size)
frame(6, struct.pack("<Q", number) + text(b"malformed_document") + text(words.upper()))
node.recv(1)
)");
  auto started = start({"python3", parser});
  ASSERT_TRUE(started) << started.error().message;
  auto& node = (*started)->socket();
  const auto path = document("the mill turns");
  const unique_fd opened{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  std::string bytes;
  append_request(bytes, {1 << 20, true, {{7, 14, 0}}});
  const std::array files{opened.get()};
  const auto deadline = channel::clock::now() + std::chrono::seconds{60};
  ASSERT_TRUE(node.send(bytes, files, deadline));
  for (;;) {
    const auto next = node.next_frame();
    ASSERT_TRUE(next) << next.error().message;
    if (*next) {
      const auto said = decode_failure((*next)->payload);
      ASSERT_TRUE(said) << said.error().message;
      EXPECT_EQ(said->number, 7U);
      EXPECT_EQ(said->reason.message, "THE MILL TURNS");
      return;
    }
    pollfd more{node.socket(), POLLIN, 0};
    ASSERT_EQ(::poll(&more, 1, 60'000), 1);
    ASSERT_NE(node.read(channel::wait::none), channel::read_status::closed);
  }
}

/// A parser of gzip files, which says how long they are.
std::string archive_parser() {
  return R"(
import array, hashlib, os, socket, struct
node = socket.socket(fileno=3)

def text(t):
    return struct.pack("<I", len(t)) + t

def frame(kind, payload):
    node.sendall(struct.pack("<IB", len(payload), kind) + payload)

frame(1, struct.pack("<IH", 0x5458524D, )" +
         std::to_string(protocol_version) +
         R"())
while True:
    message, control, _, _ = node.recvmsg(65536, socket.CMSG_SPACE(4 * 32))
    if not message: break
    files = array.array("i")
    for _, _, data in control:
        files.frombytes(data)
    payload = message[5:]
    count, = struct.unpack_from("<H", payload, 9)
    for i in range(count):
        number, size, known = struct.unpack_from("<QQI", payload, 11 + 20 * i)
        data = os.read(files[i], size)
        head = (text(b"application/gzip") + text(hashlib.sha256(data).hexdigest().encode()) +
                struct.pack("<QII", len(data), 0, 0) + text(b"A title") + text(b"") + text(b"") +
                struct.pack("<HH", 0, 0))
        element = struct.pack("<BBBI", 2, 0, 0, 0) + text(b"%d bytes packed" % len(data))
        frame(5, struct.pack("<Q", number) + head + struct.pack("<I", 1) + element)
        os.close(files[i])
)";
}

/// The whole way of `[[extractor]]`: the built-in extractor finds the type and leaves the document
/// to the user's parser, any other document is its own.
TEST_F(launcher, documents_of_a_users_type_go_to_the_users_parser) {
  const auto parser = file("own/archives.py", archive_parser());
  config_.executable = REAL_EXTRACTOR;
  config_.others = {{"application/gzip", {"python3", parser}}};
  extractor_pool pool{config_};
  const std::string archive{"\x1F\x8B\x08 and so on", 13};
  const auto outcomes =
      ask(pool, {document(archive), document("plain words"), document(archive)})->wait();
  EXPECT_EQ(text_of(outcomes[0]), "13 bytes packed");
  ASSERT_TRUE(outcomes[0]) << outcomes[0].error().message;
  EXPECT_EQ(outcomes[0]->mime, "application/gzip");
  EXPECT_EQ(text_of(outcomes[1]), "plain words");
  EXPECT_EQ(text_of(outcomes[2]), "13 bytes packed");
  EXPECT_EQ(pool.stats().documents, 3U);
  EXPECT_EQ(pool.stats().waiting, 0);
  EXPECT_EQ(pool.stats().crashes, 0U);
}

TEST_F(launcher, a_users_parser_starts_with_its_first_document_and_ends_when_none_comes) {
  config_.executable = REAL_EXTRACTOR;
  config_.others = {{"application/gzip", {"python3", file("own/archives.py", archive_parser())}}};
  config_.settings.processes = 3;
  config_.idle_end = std::chrono::milliseconds{100};
  extractor_pool pool{config_};
  const auto& s = pool.stats();
  const auto built_in_ones_wait = [&] {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (s.idle != 3 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return s.idle == 3;
  };
  ASSERT_TRUE(built_in_ones_wait());
  EXPECT_EQ(s.processes_started, 3U);
  const auto archive = document(std::string{"\x1F\x8B\x08 and so on", 13});
  for (const std::uint64_t started : {4U, 5U}) {
    EXPECT_EQ(text_of(extract(pool, archive)), "13 bytes packed");
    EXPECT_EQ(s.processes_started, started) << "one is enough";
    ASSERT_TRUE(built_in_ones_wait()) << "it does not end";
  }
  EXPECT_EQ(s.crashes, 0U);
}

TEST_F(launcher, a_command_that_cannot_be_executed_is_said_so) {
  const auto missing = start({(directory_ / "nowhere").string()});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ec::extractor_missing);
  EXPECT_THAT(missing.error().message, HasSubstr("is not there"));
  const auto plain = file("own/data", "no program");
  fs::permissions(plain, fs::perms::owner_read);
  EXPECT_THAT(start({plain}).error().message, HasSubstr("may not be executed"));
}

TEST_F(launcher, a_command_gets_its_folder_but_never_everybodys) {
  const auto script = file("own/parser", "");
  const auto model = file("models/words", "");
  const auto canonical = [](const fs::path& p) { return fs::canonical(p).string(); };
  const std::vector<std::string> words{script, "--model", model, "not a file"};
  EXPECT_THAT(folders_of(words),
              ElementsAre(canonical(directory_ / "own"), canonical(directory_ / "models")));
  const std::vector<std::string> wide{"/etc/passwd"};
  EXPECT_THAT(folders_of(wide), ElementsAre("/etc/passwd"));
}

}  // namespace
}  // namespace millrace::extraction
