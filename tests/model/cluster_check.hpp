// Looks at a whole database: which invariants it violates by itself, and where it differs from the
// model.
#pragma once

#include <string>
#include <vector>

#include "runtime/database/sql.hpp"
#include "tests/model/cluster_model.hpp"

namespace millrace::model {

/// The limits of attempts that the simulated nodes work by.
inline constexpr int max_attempts = 3;
inline constexpr int max_losses = 4;

class cluster_reader {
 public:
  explicit cluster_reader(const std::string& connection_string);

  /// One sentence per problem; empty if all is as it must be.
  std::vector<std::string> check(const cluster_model& model);

 private:
  sql::connection connection_;
};

}  // namespace millrace::model
