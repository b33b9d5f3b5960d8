// Decides when finished pages of a document that is still being read are handed over, so that they
// are not lost with the rest: when they took piece_time, are piece_pages, or weigh piece_bytes; and
// all that is finished when the process is lost.
//
// One document at a time, one thread. A document that is read at once yields no pieces.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "runtime/extraction/extractor_pool.hpp"
#include "runtime/extraction/protocol.hpp"

namespace millrace::extraction {

class page_pieces {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr auto piece_time = std::chrono::seconds{5};
  static constexpr std::uint32_t piece_pages = 500;
  static constexpr std::size_t piece_bytes = 2U << 20;  ///< Of text.

  /// The next document.
  void begin(clock::time_point now);
  /// Which it is; before its first pages.
  void identify(identity i);
  /// `pages` are finished, and `elements` is all that came so far.
  std::optional<finished_pages> add(std::uint32_t pages, const std::vector<element>& elements,
                                    clock::time_point now);
  /// What is finished and was not handed over; `elements` as at the last add() or more.
  std::optional<finished_pages> rest(const std::vector<element>& elements);

  /// Which it is; nothing before identify().
  const std::optional<identity>& who() const { return identity_; }
  std::uint32_t pages() const { return pages_; }           ///< Finished.
  std::size_t element_count() const { return elements_; }  ///< Of finished pages.

 private:
  std::optional<finished_pages> cut(const std::vector<element>& elements, clock::time_point now);

  std::optional<identity> identity_;
  std::uint32_t handed_pages_ = 0;
  std::size_t handed_elements_ = 0;
  std::uint32_t pages_ = 0;     ///< Finished.
  std::size_t elements_ = 0;    ///< Of finished pages.
  std::size_t text_bytes_ = 0;  ///< Of those not handed over.
  clock::time_point last_piece_;
};

}  // namespace millrace::extraction
