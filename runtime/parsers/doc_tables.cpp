#include "runtime/parsers/doc_tables.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/parsers/parse_failure.hpp"

namespace millrace::parsers {

namespace {

constexpr U32 version_bits = 0x7FFF;  // of wvQuerySupported(); the other one says "password"
constexpr U32 byte_piece = 0x40000000;
constexpr std::size_t page_bytes = 512;
/// What a piece adds to its table: the number of its first character, and where that stands.
constexpr std::size_t piece_bytes = 4 + 8;

/// Little-endian; 0 where `bytes` has none at `at`.
U32 number_at(std::string_view bytes, std::size_t at, std::size_t size = 4) {
  U32 out = 0;
  if (at > bytes.size() || bytes.size() - at < size) return out;
  for (std::size_t i = size; i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[at + i]);
  return out;
}

/// The part of `tables` that the FIB names.
std::string_view part_of(std::string_view tables, S32 at, U32 size) {
  if (at < 0 || size > tables.size() || static_cast<U32>(at) > tables.size() - size)
    fail_damaged_doc();
  return tables.substr(static_cast<U32>(at), size);
}

/// The text's extent in the stream, in bytes.
struct text_extent {
  std::uint64_t last_begin = 0;  ///< Of the piece that begins last.
  std::uint64_t end = 0;
};

/// Adds up pieces, as libwv would read them one after the other.
class piece_sum {
 public:
  piece_sum(const FIB& fib, std::size_t stream_bytes, std::uint64_t max_characters)
      : in_bytes_{doc_version(fib) != WORD8 && fib.fExtChar == 0},
        stream_bytes_{stream_bytes},
        max_characters_{max_characters} {}

  void add(U32 first, U32 end, U32 place) {
    // Before Word 97 nothing says in the place itself how wide the characters are.
    if (in_bytes_) place = place * 2 | byte_piece;
    int is_byte = 0;
    const std::uint64_t begin = wvNormFC(place, &is_byte);
    if (first > end || end - first > stream_bytes_) fail_damaged_doc();
    const std::uint64_t count = end - first;
    const auto bytes = is_byte != 0 ? count : 2 * count;
    if (begin > stream_bytes_ || bytes > stream_bytes_ - begin) fail_damaged_doc();
    characters_ += count;
    if (characters_ > max_characters_)
      throw parse_failure{ec::limit_exceeded, "the Word document has more than " +
                                                  std::to_string(max_characters_) +
                                                  " characters; split it into smaller documents"};
    extent_.last_begin = std::max(extent_.last_begin, begin);
    extent_.end = std::max(extent_.end, begin + bytes);
  }
  text_extent extent() const { return extent_; }

 private:
  bool in_bytes_;
  std::size_t stream_bytes_;
  std::uint64_t max_characters_;
  std::uint64_t characters_ = 0;
  text_extent extent_;
};

/// Walks the piece table (MS-DOC 2.9.38) as libwv does: blocks of changes first, then the pieces.
text_extent check_pieces(const FIB& fib, std::string_view text, std::string_view blocks,
                         std::uint64_t max_characters) {
  constexpr char changes = 1;
  constexpr char pieces = 2;
  std::size_t at = 0;
  while (at < blocks.size() && blocks[at] == changes) at += 3 + number_at(blocks, at + 1, 2);
  piece_sum sum{fib, text.size(), max_characters};
  if (at > blocks.size()) fail_damaged_doc();
  if (at == blocks.size()) {
    // Without a table the text is one piece; libwv makes it up for documents that were not saved
    // in parts.
    if (fib.fComplex != 0) fail_damaged_doc();
    const bool is_wide = fib.fExtChar != 0;
    sum.add(0, fib.ccpText,
            is_wide || doc_version(fib) != WORD8 ? fib.fcMin : fib.fcMin * 2 | byte_piece);
    return sum.extent();
  }
  const std::uint64_t size = number_at(blocks, at + 1);
  if (blocks[at] != pieces || size < 4 + piece_bytes || size > blocks.size() - at - 5)
    fail_damaged_doc();
  // libwv goes on behind the table while it knows the block, and would take the last table.
  const auto behind = blocks.substr(at + 5 + size);
  if (behind.starts_with(changes) || behind.starts_with(pieces)) fail_damaged_doc();
  const auto table = blocks.substr(at + 5, size);
  const auto count = (table.size() - 4) / piece_bytes;
  for (std::size_t i = 0; i < count; ++i)
    sum.add(number_at(table, 4 * i), number_at(table, 4 * (i + 1)),
            number_at(table, 4 * (count + 1) + 8 * i + 2));
  return sum.extent();
}

/// Of a page of properties: the places of its runs, one more than runs, then `slot` bytes for each.
/// Where the last run ends.
U32 end_of_page(std::string_view text, std::uint64_t number, std::size_t slot) {
  if ((number + 1) * page_bytes > text.size()) fail_damaged_doc();
  const auto page = text.substr(number * page_bytes, page_bytes);
  const std::size_t runs = static_cast<unsigned char>(page.back());
  if (runs == 0 || 4 * (runs + 1) + slot * runs >= page_bytes) fail_damaged_doc();
  return number_at(page, 4 * runs);
}

/// A table of pages of properties: the places that each is for, one more than pages, then the
/// pages' numbers.
void check_pages(const FIB& fib, std::string_view text, std::string_view table, std::size_t slot,
                 const text_extent& extent) {
  const std::size_t number_bytes = doc_version(fib) == WORD8 ? 4 : 2;
  constexpr U32 page_number = 0x3FFFFF;  // the other bits have no meaning
  if (table.size() < 4 + 4 + number_bytes) fail_damaged_doc();
  const auto count = (table.size() - 4) / (4 + number_bytes);
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = 4 * (count + 1) + number_bytes * i;
    end = end_of_page(text, number_at(table, at, number_bytes) & page_number, slot);
  }
  // Behind the last page libwv looks on, page by page, for text that no run has. It does not where
  // the table ends with that page; and it has another way for documents that were saved in parts.
  const bool ends_with_table = end == number_at(table, 4 * count);
  if (fib.fComplex == 0 && end < (ends_with_table ? extent.last_begin : extent.end))
    fail_damaged_doc();
}

}  // namespace

wvVersion doc_version(const FIB& fib) {
  auto copy = fib;
  return static_cast<wvVersion>(static_cast<U32>(wvQuerySupported(&copy, nullptr)) & version_bits);
}

void check_doc_tables(const FIB& fib, std::string_view text, std::string_view tables,
                      std::uint64_t max_characters) {
  const std::size_t paragraph_slot = doc_version(fib) == WORD8 ? 13 : 7;
  constexpr std::size_t character_slot = 1;
  part_of(tables, fib.fcStshf, fib.lcbStshf);
  const auto extent =
      check_pieces(fib, text, part_of(tables, fib.fcClx, fib.lcbClx), max_characters);
  check_pages(fib, text, part_of(tables, fib.fcPlcfbtePapx, fib.lcbPlcfbtePapx), paragraph_slot,
              extent);
  check_pages(fib, text, part_of(tables, fib.fcPlcfbteChpx, fib.lcbPlcfbteChpx), character_slot,
              extent);
}

void fail_damaged_doc() {
  throw parse_failure{ec::malformed_document,
                      "the Word document is cut off or damaged; get a complete copy of it, or "
                      "open it with Word and save it again"};
}

}  // namespace millrace::parsers
