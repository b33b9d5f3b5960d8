// Linking memory_guard.cpp into an executable makes every allocation that fails, in any library,
// end the process with memory_exit_code. Libraries cannot be left to handle it: some go on and
// return an empty page as if it were the document's.
//
// Not in sanitizer builds, which bring an allocator of their own.
#pragma once

namespace millrace::extraction {

/// Ends the process with memory_exit_code at once: no destructors, no flushing, nothing that would
/// allocate.
[[noreturn]] void end_out_of_memory() noexcept;

}  // namespace millrace::extraction
