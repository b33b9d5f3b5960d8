// What `make install` leaves works from where it lies, and tells systemd what a service must.
#include <csignal>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "runtime/core/unique_fd.hpp"
#include "tests/integration/live_node.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(installation, works_from_where_it_lies) {
  workspace w;
  const auto root = w.path() / "root";
  w.environment["DESTDIR"] = root.native();
  const auto installed = w.start_program({"/usr/bin/env", "cmake", "--install", MILLRACE_BINARY_DIR,
                                          "--prefix", "/usr"})
                             ->wait();
  ASSERT_EQ(installed.exit_code, 0) << installed.err;
  const auto millrace = (root / "usr" / "bin" / "millrace").native();
  const auto read =
      w.start_program({millrace, "extract", w.add_document("weir.md", "# Weir\n")})->wait();
  EXPECT_EQ(read.exit_code, 0) << read.err << "it must find its extractor";
  EXPECT_THAT(read.out, HasSubstr("Weir"));
  for (const auto* config : {"node.toml", "cluster.toml"}) {
    const auto checked = w.start_program({millrace, "config", "check",
                                          (root / "usr" / "share" / "millrace" / config).native()})
                             ->wait();
    EXPECT_EQ(checked.exit_code, 0) << config << ": " << checked.err;
  }
  const auto unit = read_text(root / "usr" / "lib" / "systemd" / "system" / "millrace.service");
  EXPECT_THAT(unit, HasSubstr("Type=notify\n"));
  EXPECT_THAT(unit, HasSubstr("exec /usr/bin/millrace node --config "));
  EXPECT_THAT(unit, Not(HasSubstr("@MILLRACE")));
}

TEST(installation, a_debian_package_holds_what_a_service_needs) {
  workspace w;
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "/usr/bin/env");
    auto ended = w.start_program(words)->wait(2 * patience);
    EXPECT_EQ(ended.exit_code, 0) << words[1] << ": " << ended.out << ended.err;
    return ended.out;
  };
  const auto folder = w.path() / "package";
  run({"cpack", "--config", std::string{MILLRACE_BINARY_DIR} + "/CPackConfig.cmake", "-G", "DEB",
       "-B", folder.native()});
  std::string package;
  for (const auto& file : std::filesystem::directory_iterator{folder})
    if (file.path().extension() == ".deb") package = file.path().native();
  ASSERT_NE(package, "");
  const auto files = run({"dpkg-deb", "--contents", package});
  for (const auto* file : {"./usr/bin/millrace\n", "/millrace-extractor\n",
                           "/systemd/system/millrace.service\n", "/millrace/cluster.toml\n"})
    EXPECT_THAT(files, HasSubstr(file));
  const auto needs = run({"dpkg-deb", "--field", package, "Depends"});
  for (const auto* name :
       {"postgresql-15 | postgresql-17", "libpqxx-", "libcaf-io", "tesseract-ocr-eng"})
    EXPECT_THAT(needs, HasSubstr(name));
  run({"dpkg-deb", "--control", package, (w.path() / "control").native()});
  run({"sh", "-n", (w.path() / "control" / "postinst").native()});
  run({"sh", "-n", (w.path() / "control" / "postrm").native()});
}

/// A folder with links to the commands of this machine, but for some.
std::string commands_without(const workspace& w, const std::set<std::string>& hidden) {
  const auto folder = w.path() / "commands";
  std::filesystem::create_directory(folder);
  for (const auto* from : {"/usr/local/bin", "/usr/bin"})
    for (const auto& command : std::filesystem::directory_iterator{from}) {
      std::error_code known_already;
      if (!hidden.contains(command.path().filename()))
        std::filesystem::create_symlink(command.path(), folder / command.path().filename(),
                                        known_already);
    }
  return folder.native();
}

// What the list says that a package brings is there where the packages are.
TEST(setup, of_another_system_finds_what_debians_packages_bring) {
  const workspace w;
  const auto setup = "cd '" MILLRACE_TEST_DATA "/../..' && .ci/setup .ci/packages.txt";
  const auto all = w.shell("PATH='" + commands_without(w, {"dpkg-query"}) + "'; " + setup);
  EXPECT_EQ(all.exit_code, 0) << all.err;
  std::filesystem::remove_all(w.path() / "commands");
  const auto path = commands_without(w, {"dpkg-query", "qpdf", "apk"});
  const auto some = w.shell("ln -s /bin/true '" + path + "/dnf'; PATH='" + path + "'; " + setup);
  EXPECT_EQ(some.exit_code, 1);
  EXPECT_THAT(some.err, HasSubstr("  qpdf (qpdf)\n"));
  EXPECT_THAT(some.err, HasSubstr("dnf install /usr/bin/qpdf"));
}

/// The socket that systemd would listen at.
class service_manager {
 public:
  explicit service_manager(const std::filesystem::path& at)
      : fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    at.native().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval limit{patience.count(), 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  std::string hears() const {
    char words[256];
    const auto n = ::recv(fd_.get(), words, sizeof words, 0);
    return n > 0 ? std::string(words, static_cast<std::size_t>(n)) : "nothing";
  }

 private:
  unique_fd fd_;
};

TEST(installation, a_service_says_when_it_is_ready_and_how_long_it_may_take_to_stop) {
  workspace w;
  const service_manager systemd{w.path() / "notify"};
  w.environment["NOTIFY_SOCKET"] = (w.path() / "notify").native();
  const live_node node{w, "service", "[drain]\ntimeout = \"10m\"\n"};
  EXPECT_EQ(systemd.hears(), "READY=1");
  node.process->signal(SIGTERM);
  EXPECT_EQ(systemd.hears(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=615000000");
  EXPECT_EQ(node.process->wait().exit_code, 0);
}

}  // namespace
}  // namespace millrace
