// Exceptions of the threads of runtime/ and app/ end here: a job that throws becomes an error for
// whoever waits for it, and the thread continues with the next job.
//
// Any thread. Nothing here throws, also when memory is short.
#pragma once

#include <type_traits>
#include <utility>

#include "runtime/core/error.hpp"

namespace millrace {

/// The exception that is being handled, as ec::internal with what it says; logged under the name of
/// the job. For catch blocks.
error caught_in(const char* job) noexcept;

/// Called at the beginning of each job with its name; may throw. For tests of what an exception
/// does there; null (the default): nothing is called.
using job_probe = void (*)(const char* job);
void set_job_probe(job_probe probe) noexcept;
job_probe current_job_probe() noexcept;

namespace detail {

template <class T>
struct as_result {
  using type = result<T>;
};
template <class T>
struct as_result<result<T>> {
  using type = result<T>;
};

}  // namespace detail

/// What `work` returns as a result, or its exception as an error. `job` names it in the log:
/// "commit".
template <class Work>
auto guarded(const char* job, Work&& work) noexcept ->
    typename detail::as_result<std::invoke_result_t<Work>>::type {
  try {
    if (const auto probe = current_job_probe()) probe(job);
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      std::forward<Work>(work)();
      return {};
    } else {
      return std::forward<Work>(work)();
    }
  } catch (...) {
    return tl::unexpected<error>(caught_in(job));
  }
}

}  // namespace millrace
