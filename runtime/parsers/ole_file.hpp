// The streams of an OLE compound file (MS-CFB), as Word and PowerPoint wrote until 2003,
// read from memory by libgsf. One document, one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <gsf/gsf.h>

#include "runtime/parsers/document_builder.hpp"

namespace millrace::parsers {

struct gsf_unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using gsf_object = std::unique_ptr<T, gsf_unref>;

class ole_file {
 public:
  /// `bytes` must outlive it. Throws malformed_document where the file's directory cannot be read;
  /// `application` is whose file it is, for the sentence.
  ole_file(std::string_view bytes, std::string_view application);

  /// The whole file, for libraries that open it themselves.
  GsfInput* source() const { return source_.get(); }
  /// The stream with this name in the outermost folder; nothing where there is none or it cannot be
  /// read to its end. A stream is never larger than the file.
  std::optional<std::string> read_stream(const char* name) const;
  /// Title, author and the other properties of the summary, into `out`.
  void add_properties(document_builder& out) const;

 private:
  gsf_object<GsfInput> source_;
  gsf_object<GsfInfile> folder_;
  std::size_t size_;  ///< Of the file, in bytes.
};

}  // namespace millrace::parsers
