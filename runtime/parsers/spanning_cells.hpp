// How far a cell that spans several rows or columns fills them, in every format.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::parsers {

/// Bytes that a spanning cell's text may have to be repeated in each of its fields, so that a row
/// says what it belongs to; longer text stands once.
constexpr std::size_t max_repeated_bytes = 200;
/// Spans fill no columns beyond this one (Word's own limit): a page of a kilobyte could ask for a
/// grid of gigabytes.
constexpr std::uint32_t max_filled_columns = 63;

}  // namespace millrace::parsers
