// Reads parts of a ZIP container in memory (libzip), as Office documents use it. One document, one
// thread.
//
// Every call is bounded: parts together may not unpack to more than the budget, a big part may not
// unpack to more than max_ratio times its packed size (a ZIP bomb), and a container has at most
// max_parts parts. Broken, encrypted and oversized containers throw parse_failure.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/parsers/parse.hpp"

struct zip;

namespace millrace::parsers {

class zip_container {
 public:
  static constexpr std::int64_t max_parts = 65'536;
  static constexpr std::uint64_t max_ratio = 200;
  static constexpr std::uint64_t ratio_free_bytes =
      32ULL << 20;  ///< Parts up to this size may have any ratio.

  using piece_callback = std::function<bool(std::string_view piece)>;

  /// `bytes` must live as long as the container.
  static zip_container open(std::string_view bytes, std::uint64_t max_unpacked_bytes,
                            work_meter* work = nullptr);

  bool contains(const std::string& name) const;
  /// Throws malformed_document where there is no such part.
  std::string read(const std::string& name);
  std::optional<std::string> read_if_present(const std::string& name);
  /// Hands the part on in pieces, so that a large one is never in memory as a whole, until
  /// `on_piece` says false. False where there is no such part.
  bool read_pieces(const std::string& name, const piece_callback& on_piece);

 private:
  struct closer {
    void operator()(zip* archive) const;
  };
  zip_container(zip* archive, std::uint64_t budget, work_meter* work)
      : archive_{archive}, budget_{budget}, work_{work} {}
  /// The part's size as the directory has it, which may lie.
  std::uint64_t stated_size(std::int64_t index, const std::string& name) const;
  void unpack(std::int64_t index, const std::string& name, const piece_callback& on_piece);

  std::unique_ptr<zip, closer> archive_;
  std::uint64_t budget_;  ///< Bytes that may still be unpacked.
  work_meter* work_;      ///< Null: nobody is told.
};

/// image_info::source of an image that is a part of a ZIP container, and the load_image_function
/// that reads it back.
std::string zip_part_source(std::string_view name);
std::string load_zip_part(std::string_view bytes, std::string_view source,
                          const parse_limits& limits);

}  // namespace millrace::parsers
