// Where a text may be cut: into sentences, lines, words, and as a last resort between characters.
//
// Pure functions on UTF-8, any thread. The pieces are views of the text, in order, not empty,
// without white space at either end (lines keep their indentation); what lies between two pieces is
// white space, or nothing after a full stop of a script that writes without spaces.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "runtime/chunking/token_estimator.hpp"

namespace millrace {

/// A sentence ends at . ! ? … followed by white space, except after abbreviations, initials,
/// ordinals ("am 3. Oktober") or before a lower-case letter; at 。！？｡ anywhere; and at an empty
/// line. Closing quotes and brackets belong to it.
std::vector<std::string_view> split_sentences(std::string_view text);

/// Lines that are not blank.
std::vector<std::string_view> split_lines(std::string_view text);

/// Runs without ASCII white space.
std::vector<std::string_view> split_words(std::string_view text);

/// The longest prefix of `word` whose cost after `before` is at most `budget`, cut between
/// characters and not before a combining mark where that leaves anything. Empty only where the
/// first character alone is over the budget.
std::string_view longest_prefix(std::string_view word, char before, token_cost budget);

}  // namespace millrace
