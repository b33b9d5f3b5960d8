// The embeddings of one document, from its first slice to its commit: in memory while they are few,
// beyond that in a scratch file without a name below $TMPDIR, so that a document of any length
// takes a bounded amount of memory. A scratch file that cannot be written is not used, with a
// warning.
//
// One thread appends. A copy shares the file and can be read by another thread; nothing is appended
// to either from then on.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/core/document.hpp"

namespace millrace {

class scratch_file;

class embedding_store {
 public:
  static constexpr std::size_t default_memory = 16U << 20;

  /// `memory`: bytes of values that are kept; more go to the file.
  explicit embedding_store(std::size_t memory = default_memory) : limit_{memory} {}

  void push_back(embedding_bytes value);
  /// Read from the file where it is there. std::system_error where that fails.
  embedding_bytes operator[](std::size_t i) const;
  std::size_t size() const { return places_.size() + values_.size(); }
  bool empty() const { return size() == 0; }
  void clear();
  /// All of them in memory: for a message that leaves the process.
  std::vector<embedding_bytes> all() const;

  std::uint64_t memory_bytes() const { return bytes_; }
  bool spilled() const { return !places_.empty(); }

 private:
  struct place {
    std::uint64_t offset = 0;
    std::size_t size = 0;
  };

  void spill();

  std::size_t limit_;
  std::vector<place> places_;            ///< Of the first ones, in the file.
  std::vector<embedding_bytes> values_;  ///< Of those behind them.
  std::uint64_t bytes_ = 0;              ///< Of values_.
  std::shared_ptr<scratch_file> file_;
  bool failed_ = false;
};

}  // namespace millrace
