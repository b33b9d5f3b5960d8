// Opens a document for an extractor: regular files only, and never a wait, whatever the path leads
// to.
//
// Any thread that may block on a file system.
#pragma once

#include <string>

#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"
#include "runtime/core/unique_fd.hpp"

namespace millrace::extraction {

struct document_file {
  unique_fd fd;
  file_version version = {};
};

/// source_missing where nothing is there; source_unreadable where it may not be read or is not a
/// regular file; internal (worth a retry) where this process is out of descriptors or memory.
result<document_file> open_document(const std::string& path);

/// Of an open file as it is now; source_unreadable where the system does not tell.
result<file_version> version_of(const unique_fd& fd);

}  // namespace millrace::extraction
