// The loop of an extractor process: takes documents from the node, has them parsed, answers. Free
// of parsers, so that a parser of another kind needs one function.
//
// One thread, one document at a time. Returns when the node closes its end of the socket.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"
#include "runtime/extraction/channel.hpp"

namespace millrace::extraction {

/// Parses `bytes`; calls `page_done` with the number of pages finished so far. Fills all but sha256
/// and size.
using parse_function =
    std::function<result<extracted_document>(std::string_view bytes, std::uint64_t max_text_bytes,
                                             const std::function<void(std::uint32_t)>& page_done)>;

/// Greets, then serves. The process's exit code: 0, or protocol_exit_code where the node sends
/// nonsense.
int serve(channel& node, const parse_function& parse);

}  // namespace millrace::extraction
