#include "app/extractor/sandbox.hpp"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iterator>

#include <dlfcn.h>
#include <sys/prctl.h>

#include "app/extractor/landlock.hpp"
#include "app/extractor/privileges.hpp"
#include "app/extractor/readable_paths.hpp"
#include "app/extractor/system_calls.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/extraction/exit_codes.hpp"

namespace millrace::extraction {

namespace {

/// More than a pipeline of a script, less than a fork bomb. Of the user, beside those there are.
constexpr unsigned long max_program_processes = 64;

using outcome = tl::expected<void, int>;

/// On stderr, which is /dev/null below a node, for who starts the program by hand.
tl::unexpected<int> refuse(int exit_code, const std::string& why) {
  std::fprintf(stderr, "millrace-extractor: %s\n", why.c_str());
  return tl::unexpected<int>(exit_code);
}

/// Landlock and seccomp bind the thread that calls and what it starts, not those beside it.
result<void> refuse_other_threads() {
#if !defined(__SANITIZE_THREAD__)  // it has a thread of its own
  std::error_code unknown;
  const std::filesystem::directory_iterator threads{"/proc/self/task", unknown};
  if (!unknown && std::distance(begin(threads), end(threads)) > 1)
    return fail(ec::internal, "there is more than one thread");
#endif
  return {};
}

/// OpenMP ends a process in which it cannot start threads. Known only where a library brought it.
void keep_openmp_to_this_thread() {
  using set_levels = void (*)(int);
  if (auto* set = reinterpret_cast<set_levels>(::dlsym(RTLD_DEFAULT, "omp_set_max_active_levels")))
    set(0);
}

result<landlock_rules> rules_for(std::span<const readable_path> paths) {
  auto rules = landlock_rules::create();
  if (!rules) return rules;
  for (const auto& p : paths)
    for (const auto& path : expand(p))
      if (auto allowed = rules->allow(path, p.access); !allowed)
        return tl::unexpected{allowed.error()};
  return rules;
}

/// Root's rights first: the processes that count are those of the user that is left, and the change
/// of users would forget the end with the node.
result<void> give_up_rights(process_kind kind) {
  if (auto dropped = give_up_root(); !dropped) return dropped;
  const auto processes =
      kind == process_kind::parser ? 0 : count_processes_of_user() + max_program_processes;
  if (auto lowered = lower_limits(processes); !lowered) return lowered;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a busy parser does not see the end of its socket
  return hide_from_others();
}

/// Without `rules` where there is no Landlock.
outcome lock_in(process_kind kind, const landlock_rules* rules) {
  const int landlock = rules != nullptr ? landlock_version() : 0;
  auto locked = give_up_rights(kind);
  if (locked && rules != nullptr) locked = rules->restrict_this_thread();
  if (locked) locked = filter_system_calls(kind, landlock);
  if (!locked) return refuse(sandbox_exit_code, locked.error().message);
  return {};
}

}  // namespace

outcome enter_sandbox(without_landlock policy) {
  if (auto alone = refuse_other_threads(); !alone)
    return refuse(sandbox_exit_code, alone.error().message);
  keep_openmp_to_this_thread();
  (void)sha256_hex({});  // OpenSSL reads its configuration when it is first used
  if (landlock_version() == 0) {
    if (policy == without_landlock::go_on) return lock_in(process_kind::parser, nullptr);
    return refuse(landlock_exit_code, "this kernel has no Landlock");
  }
  const auto rules = rules_for(paths_of_parsers());
  if (!rules) return refuse(sandbox_exit_code, rules.error().message);
  return lock_in(process_kind::parser, &*rules);
}

outcome enter_program_sandbox(std::span<const std::string> folders) {
  if (landlock_version() == 0) return refuse(landlock_exit_code, "this kernel has no Landlock");
  auto rules = rules_for(paths_of_programs());
  if (!rules) return refuse(sandbox_exit_code, rules.error().message);
  for (const auto& folder : folders)
    if (auto allowed = rules->allow(folder, landlock_rules::access::read_and_execute); !allowed)
      return refuse(sandbox_exit_code, allowed.error().message);
  return lock_in(process_kind::program, &*rules);
}

}  // namespace millrace::extraction
