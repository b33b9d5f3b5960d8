// The rule: a text costs the sum, over its bytes, of a weight for the pair (kind of the byte
// before, kind of this byte). A byte-pair tokenizer merges what is frequent, and how frequent a
// word is shows well in its pairs of letters: "the" is cheap, "qzx" is not. The weights are a
// non-negative least-squares fit, pulled towards one weight a kind where a pair is rare, on 47,300
// passages of 220 characters in twelve languages, code and data, against the real cl100k_base
// tokenizer, then raised by 6 % so that the estimate errs towards too many.
//
// Measured on 200 passages of 2,000 characters a set that the fit had not seen (but for CSV and the
// collection of 300 languages, too small to hold text back); error in % of the true count:
//
//   set                         mean   p95 of the size   worst under-count   worst over-count
//   English novel and speech   +7.5              13.2                 0.0              +18.1
//   German sayings             +5.4              12.1                -6.3              +15.8
//   German manual pages        +3.2               9.4                -8.3              +11.9
//   Russian sayings            +4.1               8.4                -3.9              +11.5
//   Russian manual pages       +8.1              17.0                -4.2              +19.1
//   Chinese news               +2.3               9.8                -8.5              +14.2
//   Chinese book reviews       +3.3               7.0                -2.9               +9.0
//   Chinese manual pages      +11.9              19.7                -3.1              +26.3
//   Spanish sayings            +5.7               9.2                -0.7              +15.2
//   Italian sayings            +2.8              13.3               -20.3              +12.3
//   Japanese manual pages      +5.1               9.7                -2.2              +24.4
//   Python                     +8.0              14.5               -22.0              +18.9
//   C++                        +4.8              10.1                -6.6              +13.8
//   CSV                        +5.4               6.9                -1.5               +7.6
//   JSON                       +7.1              18.5               -19.0              +20.7
//   Markdown, wide tables     +14.1              42.3                -4.7              +59.7
//   300 languages              +2.5               8.4                -5.5              +13.9
//   base64 and hex             +6.1               8.5                 0.0               +9.8
//
// So on the measured sets a passage of 2,000 characters is never under-counted by more than 25 %.
// Nothing relies on more: the default chunk of 512 tokens is a sixteenth of what an embedding
// server of OpenAI's takes.
#include "runtime/chunking/token_estimator.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include "runtime/chunking/token_weights.hpp"

namespace millrace {

namespace {

constexpr char first_digit = '#';
/// Kinds are padded to a power of two, so that a pair's index is a shift and an or.
constexpr unsigned kind_bits = 6;
static_assert(token_weights::byte_kind_count <= 1 << kind_bits);

constexpr auto kind_of_byte = [] {
  std::array<std::uint8_t, 256> kinds{};
  for (std::size_t b = 0; b < kinds.size(); ++b)
    kinds[b] = static_cast<std::uint8_t>(token_weights::byte_kinds[b / 16][b % 16] - first_digit);
  return kinds;
}();

constexpr auto cost_of_pair = [] {
  std::array<std::uint8_t, std::size_t{1} << (2 * kind_bits)> costs{};
  for (std::size_t before = 0; before < token_weights::byte_kind_count; ++before)
    for (std::size_t kind = 0; kind < token_weights::byte_kind_count; ++kind)
      costs[before << kind_bits | kind] =
          static_cast<std::uint8_t>(token_weights::pair_costs[before][kind] - first_digit);
  return costs;
}();

std::size_t kind(char c) {
  return kind_of_byte[static_cast<std::uint8_t>(c)];
}

}  // namespace

token_cost estimate_cost(std::string_view text, char before) {
  token_cost cost = 0;
  std::size_t previous = kind(before);
  for (const char c : text) {
    const std::size_t current = kind(c);
    cost += cost_of_pair[previous << kind_bits | current];
    previous = current;
  }
  return cost;
}

std::uint32_t estimate_tokens(std::string_view text) {
  const token_cost tokens = (estimate_cost(text) + token_cost_per_token - 1) / token_cost_per_token;
  return static_cast<std::uint32_t>(
      std::min<token_cost>(tokens, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace millrace
