// Datasets that ended while they had work are opened again: an older version could end one from
// counts that were not up to date, and may work on the same database as this one.
//
// Thread-safe; blocks for one transaction.
#pragma once

#include <cstdint>

#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

/// Makes ended datasets with documents that wait or are in work `processing` again, at most
/// max_reopened at a time, and wakes all pullers; how many. A dataset that somebody else has locked
/// is left to the next time.
result<std::int64_t> reopen_datasets(connection_pool& pool);
inline constexpr int max_reopened = 1'000;

}  // namespace millrace
