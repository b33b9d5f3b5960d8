// Cuts a document's elements into chunks along its structure: a heading starts a chunk and gives it
// its heading path, paragraphs stay whole where they fit, then sentences, then words; a word is
// never split unless it alone exceeds the limit. Tables are cut between rows and repeat their
// header row; code is cut between lines.
//
// A chunk's text begins with the headings that lead to it, so that they are embedded and searched
// as well. Sections are never merged, however small: a chunk's heading path then holds for every
// word of it. Only headings that follow each other downwards (a chapter's, then its first
// section's) share the chunk of the lowest. A heading without text becomes a chunk of its own.
//
// A pure function: no I/O, any thread.
#pragma once

#include <vector>

#include "config/settings.hpp"
#include "runtime/core/document.hpp"

namespace millrace {

/// A smaller `max_tokens` is taken for this: every character must fit.
inline constexpr int min_chunk_tokens = 16;

/// A longer heading is shortened to this in heading paths; it stays whole in the text. Bytes.
inline constexpr std::size_t max_heading_bytes = 512;

/// Every chunk has at most s.max_tokens estimated tokens; a chunk that continues a section repeats
/// at most s.overlap_tokens (and at most half of s.max_tokens) of whole sentences of its
/// predecessor.
std::vector<chunk> chunk_document(const extracted_document& document, const chunking_settings& s);

}  // namespace millrace
