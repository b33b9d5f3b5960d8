// Counts what a parser has worked through of a document, so that whoever waits can tell one that is
// long from one on which the parser does not move: a loop that repeats itself consumes nothing.
//
// Everything that a parser consumes or yields passes document_builder or zip_container, which
// count it; a parser needs no count of its own. The limits of parse_limits bound the sum.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

namespace millrace::parsers {

class work_meter {
 public:
  using report = std::function<void(std::uint64_t bytes)>;
  static constexpr std::uint64_t step_bytes = 64 << 10;

  /// `r` gets the sum about each step_bytes.
  explicit work_meter(report r) : report_{std::move(r)} {}

  void add(std::uint64_t bytes) {
    done_ += bytes;
    if (done_ - reported_ < step_bytes) return;
    reported_ = done_;
    report_(done_);
  }

 private:
  report report_;
  std::uint64_t done_ = 0;
  std::uint64_t reported_ = 0;
};

}  // namespace millrace::parsers
