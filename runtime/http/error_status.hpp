// The HTTP status that an error is answered with: one per kind, and those codes for which HTTP has
// a word of its own.
#pragma once

#include "runtime/core/error.hpp"

namespace millrace::http {

/// caller 400, document 422, passing and lost 503 (repeat it), bug 500; the exceptions are in the
/// table of error_status.cpp.
int status_of(ec code);

}  // namespace millrace::http
