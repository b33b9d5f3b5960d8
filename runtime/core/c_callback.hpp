// For functions that a C library calls: no exception may pass through its frames.
//
//   std::size_t on_body(char* data, std::size_t one, std::size_t count, void* user) noexcept {
//     auto& t = *static_cast<transfer*>(user);
//     return in_c_callback(t.problem, std::size_t{0}, [&] { ...; return one * count; });
//   }
//
// The exception is kept; who called the library looks at it afterwards and reports it.
#pragma once

#include <exception>
#include <utility>

namespace millrace {

/// What `work` returns, or `failed` (what the library takes as a failure) after an exception.
template <class Result, class Work>
Result in_c_callback(std::exception_ptr& problem, Result failed, Work&& work) noexcept {
  try {
    return std::forward<Work>(work)();
  } catch (...) {
    problem = std::current_exception();
    return failed;
  }
}

/// What the exception says. Allocates nothing; lives as long as the exception.
inline const char* text_of(const std::exception_ptr& problem) noexcept {
  try {
    std::rethrow_exception(problem);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

}  // namespace millrace
