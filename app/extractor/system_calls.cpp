#include "app/extractor/system_calls.hpp"

#include <array>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "app/extractor/landlock.hpp"

namespace millrace::extraction {

namespace {

/// The address, thread and leak sanitizers map, trace and read what no parser may. The one place
/// where their builds are let off: they are for finding errors, not for strangers' documents.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_sanitizer_build = true;
#else
constexpr bool is_sanitizer_build = false;
#endif
constexpr std::array for_sanitizers{"clone",
                                    "ptrace",
                                    "wait4",
                                    "prctl",
                                    "getppid",
                                    "personality",
                                    "kill",
                                    "tgkill",
                                    "mprotect",
                                    "mmap",
                                    "sched_getaffinity",
                                    "pipe2",
                                    "process_vm_readv",
                                    "dup2"};

/// Needs no look at arguments; the kernel remembers that and asks the filter no more (5.11).
constexpr std::array for_everyone{
    // The node's socket and what was opened for this process. It has no other socket and cannot
    // make one.
    "read", "pread64", "readv", "write", "writev", "recvmsg", "recvfrom", "sendmsg", "sendto",
    "close", "lseek", "poll", "ppoll", "dup", "dup2", "dup3", "shutdown", "getsockopt", "fadvise64",
    // Memory.
    "munmap", "mremap", "brk", "madvise", "futex", "futex_waitv",
    // What is there; Landlock does not restrict these, so names and sizes are no secret.
    "fstat", "newfstatat", "stat", "lstat", "statx", "fstatfs", "statfs", "access", "faccessat",
    "faccessat2", "readlink", "readlinkat", "getdents64", "getcwd",
    // Itself.
    "getpid", "gettid", "getppid", "getpgrp", "getuid", "geteuid", "getgid", "getegid", "uname",
    "sysinfo", "getrusage", "getrlimit", "times", "getcpu", "sched_yield", "sched_getaffinity",
    "getrandom",
    // Time.
    "clock_gettime", "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep",
    // Its own signals, and its end.
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "exit",
    "exit_group"};

/// What a program of the user's own needs beside it: other programs, pipes and threads.
constexpr std::array for_programs{
    "execve", "fork", "vfork", "wait4", "waitid", "pipe", "pipe2", "set_tid_address",
    "set_robust_list", "rseq", "arch_prctl", "membarrier", "mmap", "mprotect", "getdents", "chdir",
    "fchdir", "umask", "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait",
    "epoll_pwait", "eventfd2", "timerfd_create", "timerfd_settime", "setitimer", "getitimer",
    "alarm", "pause", "timer_create", "timer_settime", "timer_delete", "rt_sigsuspend",
    "rt_sigtimedwait", "rt_sigpending", "getpgid", "getsid", "getgroups", "getresuid", "getresgid",
    "getpriority", "capget", "sched_getparam", "sched_getscheduler", "sched_get_priority_min",
    "sched_get_priority_max", "getsockname", "getpeername", "mincore", "preadv", "pwrite64",
    "sendfile", "copy_file_range",
    // For writing only /dev/null can be opened: Landlock.
    "open", "openat"};

/// Unknown to the kernel, for all that libc can tell: it falls back to calls that can be judged by
/// their arguments.
constexpr std::array not_there{"clone3", "openat2"};

constexpr scmp_datum_t all_bits = ~scmp_datum_t{0};
constexpr scmp_datum_t low_half = 0xFFFFFFFF;  // an int may come with anything above

/// O_TMPFILE holds the bit of O_DIRECTORY, which is harmless.
constexpr scmp_datum_t any_writing =
    O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
/// CLONE_PARENT would leave the node a child that it does not know of.
constexpr scmp_datum_t no_plain_child = CLONE_PARENT | CLONE_NEWNS | CLONE_NEWCGROUP |
                                        CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                                        CLONE_NEWNET;

scmp_arg_cmp argument_has(unsigned index, scmp_datum_t mask, scmp_datum_t value) {
  return {index, SCMP_CMP_MASKED_EQ, mask, value};
}
scmp_arg_cmp argument_is(unsigned index, long value) {
  return argument_has(index, low_half, static_cast<scmp_datum_t>(value) & low_half);
}

class filter {
 public:
  filter() : context_{seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release} {}

  /// A call that this architecture does not have is passed over.
  void add(std::uint32_t action, const char* name,
           std::initializer_list<scmp_arg_cmp> conditions = {}) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number < 0 || failed_ != 0) return;
    failed_ = seccomp_rule_add_array(context_.get(), action, number,
                                     static_cast<unsigned>(conditions.size()), conditions.begin());
    if (failed_ == -EACCES || failed_ == -EEXIST) failed_ = 0;  // said already
  }
  void allow(const char* name, std::initializer_list<scmp_arg_cmp> conditions = {}) {
    allowed_.emplace_back(name);
    add(SCMP_ACT_ALLOW, name, conditions);
  }
  void allow(std::span<const char* const> names) {
    for (const auto* name : names) allow(name);
  }
  /// One rule for each value that the argument may have.
  void allow(const char* name, unsigned index, std::initializer_list<long> values) {
    for (const auto value : values) allow(name, {argument_is(index, value)});
  }

  const std::vector<std::string>& allowed() const { return allowed_; }

  result<void> load() {
    if (!context_) return fail(ec::internal, "there is no memory for a filter of system calls");
    const auto set = [&](scmp_filter_attr what, std::uint32_t value) {
      if (failed_ == 0) failed_ = seccomp_attr_set(context_.get(), what, value);
    };
    set(SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a binary search
    if (failed_ == 0) failed_ = seccomp_load(context_.get());
    if (failed_ == 0) return {};
    return fail(ec::internal, "system calls cannot be filtered (seccomp): " +
                                  std::generic_category().message(-failed_));
  }

 private:
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  std::vector<std::string> allowed_;
  int failed_ = 0;
};

void allow_some_arguments(filter& f) {
  f.allow("fcntl", 1, {F_GETFD, F_SETFD, F_GETFL, F_DUPFD, F_DUPFD_CLOEXEC});
  f.allow("ioctl", 1, {TCGETS, FIONREAD});
  f.allow("prctl", 0, {PR_GET_NO_NEW_PRIVS, PR_GET_DUMPABLE, PR_GET_NAME, PR_SET_NAME});
  f.allow("getpgid", {argument_is(0, 0)});  // getpgrp() of arm64
  // Limits are read, never set: the node sets soft ones, which the process could raise again.
  f.allow("prlimit64", {argument_is(0, 0), argument_has(2, all_bits, 0)});
}

void allow_for_parser(filter& f) {
  allow_some_arguments(f);
  f.allow("open", {argument_has(1, any_writing, 0)});
  f.allow("openat", {argument_has(2, any_writing, 0)});
  f.allow("mprotect", {argument_has(2, PROT_EXEC, 0)});
  f.allow("mmap", {argument_has(2, PROT_EXEC, 0)});
  // glibc loads its charset converters when a document first needs them. Code comes from files
  // only, and is never writable.
  f.allow("mmap", {argument_has(2, PROT_EXEC | PROT_WRITE, PROT_EXEC),
                   argument_has(3, MAP_ANONYMOUS | MAP_SHARED, 0)});
  // abort() and raise().
  f.allow("tgkill", {argument_is(0, ::getpid())});
  if constexpr (is_sanitizer_build) f.allow(for_sanitizers);
}

void allow_for_program(filter& f, int landlock) {
  allow_some_arguments(f);
  f.allow(for_programs);
  f.allow("fcntl", 1, {F_SETFL, F_GETPIPE_SZ});
  f.allow("ioctl", 1, {FIONBIO, FIOCLEX, FIONCLEX, TIOCGWINSZ, TIOCGPGRP});
  f.allow("clone", {argument_has(0, no_plain_child, 0)});
  if (landlock >= landlock_with_signals)
    for (const auto* name : {"kill", "tgkill"}) f.allow(name);
}

void allow_for(process_kind kind, int landlock, filter& f) {
  f.allow(for_everyone);
  if (kind == process_kind::parser)
    allow_for_parser(f);
  else
    allow_for_program(f, landlock);
}

}  // namespace

result<void> filter_system_calls(process_kind kind, int landlock) {
  filter f;
  for (const auto* name : not_there) f.add(SCMP_ACT_ERRNO(ENOSYS), name);
  allow_for(kind, landlock, f);
  return f.load();
}

std::vector<std::string> allowed_system_calls(process_kind kind) {
  filter f;
  allow_for(kind, landlock_with_signals, f);
  return f.allowed();
}

}  // namespace millrace::extraction
