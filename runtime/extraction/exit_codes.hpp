// How an extractor ends, beside those of the protocol, where it could not even begin.
#pragma once

namespace millrace::extraction {

inline constexpr int sandbox_exit_code = 88;   ///< It could not lock itself in.
inline constexpr int landlock_exit_code = 89;  ///< The kernel has no Landlock to do so with.
// As shells have it, for a user's own parser.
inline constexpr int not_executable_exit_code = 126;
inline constexpr int not_found_exit_code = 127;

}  // namespace millrace::extraction
