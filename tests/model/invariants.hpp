// Which invariants a whole database violates by itself, as far as SQL can see: I1, I4 and I7 of
// ARCHITECTURE.md, and that nobody but a processing dataset has documents that wait.
//
// For databases whose chunks were committed with the text "of TOKEN", the commit's own.
#pragma once

#include <string>
#include <vector>

#include "runtime/database/sql.hpp"

namespace millrace::model {

/// One sentence per violation; empty if there is none. `max_attempts` and `max_losses`: after
/// how many a document is a dead letter.
std::vector<std::string> violations(sql::connection& connection, int max_attempts, int max_losses);

}  // namespace millrace::model
