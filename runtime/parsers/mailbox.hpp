// Mailboxes of messages one after the other, each behind a line "From SENDER DATE" (mbox, RFC
// 4155). Pure, any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace millrace::parsers {

/// True for two messages or more; one alone, with its "From " line, is a message.
bool is_mailbox(std::string_view text);

/// Cuts the first message off `rest`, which is not empty.
std::string_view take_message(std::string_view& rest);

}  // namespace millrace::parsers
