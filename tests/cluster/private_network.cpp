#include "tests/cluster/private_network.hpp"

#include <csignal>
#include <cstdlib>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace {

namespace {

constexpr int hub_number = 1;

std::string card(const std::string& host) {
  return host == private_network::hub ? "bridge" : "eth0";
}

void sh(const std::string& command) {
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

/// A process in a new network namespace; it ends with this one.
pid_t start_keeper() {
  int ready[2] = {-1, -1};
  EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char done = ::unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
    (void)!::write(ready[1], &done, 1);
    for (;;) ::pause();
  }
  char done = 'n';
  EXPECT_EQ(::read(ready[0], &done, 1), 1);
  EXPECT_EQ(done, 'y') << "needs CAP_SYS_ADMIN";
  ::close(ready[0]);
  ::close(ready[1]);
  return child;
}

}  // namespace

private_network::private_network(const std::vector<std::string>& hosts)
    : outside_{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)} {
  EXPECT_EQ(::unshare(CLONE_NEWNET), 0) << "needs CAP_SYS_ADMIN";
  sh("ip link set lo up && ip link add bridge type bridge && ip link set bridge up && "
     "ip address add " +
     address(hub) + "/24 dev bridge");
  int number = hub_number;
  for (const auto& name : hosts) {
    const auto& h = hosts_[name] = {++number, start_keeper()};
    const auto cable = "cable" + std::to_string(h.number);
    sh("ip link add " + cable + " type veth peer name eth0 netns " + std::to_string(h.keeper) +
       " && ip link set " + cable + " master bridge up");
    sh(entering(name) + "ip link set lo up && " + entering(name) + "ip link set eth0 up && " +
       entering(name) + "ip address add " + address(name) + "/24 dev eth0");
  }
}

private_network::~private_network() {
  for (const auto& [name, h] : hosts_) {
    ::kill(h.keeper, SIGKILL);
    ::waitpid(h.keeper, nullptr, 0);
  }
  EXPECT_EQ(::setns(outside_.get(), CLONE_NEWNET), 0);
}

std::string private_network::address(const std::string& name) const {
  return "10.77.0." + std::to_string(name == hub ? hub_number : hosts_.at(name).number);
}

std::string private_network::space(const std::string& name) const {
  return "/proc/" + std::to_string(hosts_.at(name).keeper) + "/ns/net";
}

std::vector<std::string> private_network::inside(const std::string& name) const {
  return {"/usr/bin/nsenter", "--net=" + space(name)};
}

void private_network::run_at(const std::string& name, const std::function<void()>& act) const {
  std::thread{[&] {
    const unique_fd place{::open(space(name).c_str(), O_RDONLY | O_CLOEXEC)};
    ASSERT_EQ(::setns(place.get(), CLONE_NEWNET), 0);
    act();
  }}.join();
}

std::string private_network::entering(const std::string& name) const {
  if (name == hub) return "";
  const auto words = inside(name);
  return words[0] + " " + words[1] + " ";
}

// Frames to an Ethernet address that nobody has: whoever sends them is told nothing.
void private_network::cut(const std::string& from, const std::string& to) {
  sh(entering(from) + "ip neighbour replace " + address(to) +
     " lladdr 02:00:00:00:00:01 nud permanent dev " + card(from));
}

void private_network::mend(const std::string& from, const std::string& to) {
  sh(entering(from) + "ip neighbour del " + address(to) + " dev " + card(from));
}

}  // namespace millrace
