// What crash_bench and its extractor agree on.
#pragma once

#include <string_view>

namespace millrace::bench {

/// The content of a document on which the extractor dies of SIGSEGV.
inline constexpr std::string_view deadly_document = "deadly";

}  // namespace millrace::bench
