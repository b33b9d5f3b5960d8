// What a process gives up for good before it reads strangers' bytes: root's rights, and the limits
// that it will never need to exceed.
#pragma once

#include "runtime/core/error.hpp"

namespace millrace::extraction {

/// Where the process is root: becomes `nobody`, or stays root without any capability where it may
/// not change its user, or where its parent, which has the same capabilities, could not limit and
/// kill it any more (containers without CAP_SYS_RESOURCE). Nothing where it is not root.
result<void> give_up_root();

/// No files written, no core files, no locked memory or message queues; `processes` is how many
/// processes and threads the user may have (root: unlimited by the kernel, seccomp counts there).
result<void> lower_limits(unsigned long processes);

/// Processes and threads of this process's user; 0 where /proc does not tell.
unsigned long count_processes_of_user();

/// Neither traced nor dumped, not even into a handler of crashes, and its files in /proc are
/// root's. Gains no privileges by exec.
result<void> hide_from_others();

}  // namespace millrace::extraction
