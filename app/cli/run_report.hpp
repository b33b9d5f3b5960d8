// The end of a run: what became of it, as the JSON object of design §7 and as text. Reads the
// database; blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/api/submit_paths.hpp"
#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"

namespace millrace::cli {

struct failed_document {
  std::string uri;
  std::string code;
  std::string message;
};

/// `ready` is what this run made ready, `unchanged` what was so before, `failed` what stands failed
/// at its end: together the dataset's total. Chunks, images and tokens are the dataset's.
struct run_report {
  std::string dataset;
  std::int64_t total = 0;
  std::int64_t ready = 0;
  std::int64_t failed = 0;
  std::int64_t failed_before = 0;  ///< Of those, failed in an earlier run and not in this one.
  std::int64_t unchanged = 0;
  std::int64_t chunks = 0;
  std::int64_t images = 0;
  std::int64_t tokens = 0;
  std::int64_t charged = 0;
  std::int64_t refunded = 0;
  double elapsed_seconds = 0;
  std::vector<failed_document> failures;  ///< At most max_failures.
};

inline constexpr int max_failures = 100'000;

result<run_report> make_run_report(connection_pool& pool, const std::string& dataset,
                                   const submit_summary& submitted, double elapsed_seconds);

std::string to_json(const run_report& r);
/// `same_data`: what the command that searches it is given besides.
std::string to_text(const run_report& r, const std::string& same_data);

/// "dataset NAME: 21,000 documents (…)": what a run begins with.
std::string describe_submission(const std::string& dataset, const paths_summary& s);

}  // namespace millrace::cli
