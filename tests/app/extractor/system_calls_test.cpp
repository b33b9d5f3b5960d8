// The list of system calls is one for all architectures: each finds on it what its libc calls.
#include "app/extractor/system_calls.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <seccomp.h>

namespace millrace::extraction {
namespace {

/// Calls that newer architectures do without, and what libc uses instead there.
const std::map<std::string, std::string> successors{
    {"access", "faccessat"},   {"alarm", "setitimer"},
    {"dup2", "dup3"},          {"epoll_wait", "epoll_pwait"},
    {"fork", "clone"},         {"getdents", "getdents64"},
    {"getpgrp", "getpgid"},    {"getrlimit", "prlimit64"},
    {"lstat", "newfstatat"},   {"open", "openat"},
    {"pause", "ppoll"},        {"pipe", "pipe2"},
    {"poll", "ppoll"},         {"readlink", "readlinkat"},
    {"select", "pselect6"},    {"stat", "newfstatat"},
    {"time", "clock_gettime"}, {"vfork", "clone"}};
/// Of x86 alone: its thread pointer.
const std::set<std::string> nowhere_else{"arch_prctl"};

bool exists(std::uint32_t architecture, const std::string& name) {
  return seccomp_syscall_resolve_name_arch(architecture, name.c_str()) >= 0;
}

class system_calls : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(system_calls, every_name_is_a_call_or_has_a_successor_on_the_list) {
  for (const auto kind : {process_kind::parser, process_kind::program}) {
    const auto allowed = allowed_system_calls(kind);
    const auto is_allowed = [&](const std::string& name) {
      return std::ranges::find(allowed, name) != allowed.end();
    };
    EXPECT_GT(allowed.size(), 50U);
    for (const auto& name : allowed) {
      if (exists(GetParam(), name) || nowhere_else.contains(name)) continue;
      const auto other = successors.find(name);
      ASSERT_NE(other, successors.end()) << name << " is not a system call on this architecture";
      EXPECT_TRUE(exists(GetParam(), other->second)) << other->second;
      EXPECT_TRUE(is_allowed(other->second)) << other->second << " does what " << name << " does";
    }
  }
}

TEST_P(system_calls, what_no_process_does_without_is_there) {
  for (const auto kind : {process_kind::parser, process_kind::program}) {
    const auto allowed = allowed_system_calls(kind);
    for (const auto* name : {"read", "write", "openat", "close", "fstat", "newfstatat", "mmap",
                             "munmap", "mprotect", "brk", "futex", "rt_sigaction", "exit_group"}) {
      EXPECT_NE(std::ranges::find(allowed, name), allowed.end()) << name;
      EXPECT_TRUE(exists(GetParam(), name)) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(of, system_calls, ::testing::Values(SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64),
                         [](const auto& test) {
                           return std::string{test.param == SCMP_ARCH_X86_64 ? "x86_64" : "arm64"};
                         });

}  // namespace
}  // namespace millrace::extraction
