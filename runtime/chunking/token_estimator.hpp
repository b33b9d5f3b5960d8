// Estimates how many tokens a byte-pair tokenizer of the cl100k kind makes of a text, without its
// vocabulary.
//
// Pure functions: any thread, no allocation, one table look-up a byte.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace {

/// Estimated tokens of UTF-8 text, rounded up. See the .cpp file for the rule and its measured
/// error.
std::uint32_t estimate_tokens(std::string_view text);

/// Tokens in fixed point, so that sums of small pieces do not round up each: 1/32 of a token.
using token_cost = std::uint64_t;
inline constexpr token_cost token_cost_per_token = 32;

/// The estimate in fixed point. `before` is the byte that precedes `text`. Exactly additive: for
/// any two texts, estimate_cost(a + b, x) == estimate_cost(a, x) + estimate_cost(b, a.back()), so
/// it also never falls as a text grows.
token_cost estimate_cost(std::string_view text, char before = ' ');

}  // namespace millrace
