// Whether a session of a test's database waits for a lock: how tests of two sessions know that one
// has come to where the other holds it up.
#pragma once

#include <chrono>
#include <thread>

#include "tests/support/test_database.hpp"

namespace millrace {

/// Waits until some session of the database waits for a lock; false after `patience`.
inline bool somebody_waits_for_a_lock(const test_database& db,
                                      std::chrono::seconds patience = std::chrono::seconds{60}) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < end) {
    if (db.query("select exists (select from pg_stat_activity where datname = current_database() "
                 "and wait_event_type = 'Lock')") == "t")
      return true;
    std::this_thread::yield();
  }
  return false;
}

}  // namespace millrace
