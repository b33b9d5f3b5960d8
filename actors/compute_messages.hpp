// Work that was done on a thread of the compute pool comes back to its actor as a message.
// Registered with the others in messages.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <caf/all.hpp>

#include "runtime/core/error.hpp"

namespace millrace {

struct work_computed {
  std::int64_t token = 0;    ///< Of the lease that it belongs to.
  std::uint64_t number = 0;  ///< Of the actor's computations.
  /// Goes on with what was computed, in the actor; or why there is nothing. Null: the pool was
  /// full, try again.
  std::shared_ptr<result<std::function<void()>>> then;
};

}  // namespace millrace

// It never leaves the process.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::work_computed)
