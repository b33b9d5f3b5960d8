// How many descriptors this process may hold open.
#pragma once

#include <cstdint>

namespace millrace {

/// Raises the soft limit to the hard one, which costs nothing: the low default is for programs that
/// use select(2). Call it once, before threads start. Children inherit it.
void raise_open_files_limit();

/// The soft limit now, in descriptors.
std::uint64_t open_files_limit();

/// True if no descriptor is left at this moment: for libraries that do not pass the reason of a
/// failure on.
bool descriptors_are_exhausted();

}  // namespace millrace
