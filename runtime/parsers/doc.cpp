// Word 97-2003 documents, and those of Word 6 and 95: paragraphs, headings by their styles, tables,
// links, foot- and endnotes and text boxes. libwv reads them from memory; it opens no file.
#include "runtime/parsers/doc_walker.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/ole_file.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/quiet_stderr.hpp"

namespace millrace::parsers {

namespace {

constexpr int password_needed = 0x8000;  // beside the version, in what libwv answers

/// libwv's state of one document.
class wv_parser {
 public:
  explicit wv_parser(GsfInput* file) : parser_{wvCreateParser()} {
    wvInit();
    status_ = wvInitParser_gsf(parser_, file);
  }
  ~wv_parser() {
    wvOLEFree(parser_);
    wvDeleteParser(parser_);
  }
  wv_parser(const wv_parser&) = delete;
  wv_parser& operator=(const wv_parser&) = delete;

  int status() const { return status_; }
  wvParseStruct& get() { return *parser_; }

 private:
  wvParseStruct* parser_;
  int status_ = 0;
};

/// libwv does not look whether what it reads is there, and ends the process where the text or its
/// tables are cut off.
bool is_whole(const ole_file& file, FIB& fib) {
  const bool is_word_8 = (wvQuerySupported(&fib, nullptr) & ~password_needed) == WORD8;
  const auto text = file.read_stream("WordDocument");
  const auto tables =
      is_word_8 ? file.read_stream(fib.fWhichTblStm != 0 ? "1Table" : "0Table") : text;
  if (!text || !tables) return false;
  const auto is_inside = [&](S32 at, U32 size) {
    return at >= 0 && size <= tables->size() && static_cast<U32>(at) <= tables->size() - size;
  };
  return is_inside(fib.fcClx, fib.lcbClx) && is_inside(fib.fcStshf, fib.lcbStshf) &&
         is_inside(fib.fcPlcfbtePapx, fib.lcbPlcfbtePapx) && fib.lcbPlcfbtePapx > 0 &&
         is_inside(fib.fcPlcfbteChpx, fib.lcbPlcfbteChpx) && fib.lcbPlcfbteChpx > 0;
}

}  // namespace

void parse_doc(const parse_input& in, document_builder& out) {
  const quiet_stderr quiet;
  const ole_file file{in.bytes, "Word"};
  file.add_properties(out);
  wv_parser parser{file.source()};
  const int status = parser.status();
  // A failure is negative, and then has that bit as well.
  if (status >= 0 && ((status & password_needed) != 0 || parser.get().fib.fEncrypted != 0))
    throw parse_failure{ec::encrypted_document,
                        "the Word document is protected by a password; remove its password and "
                        "submit it again"};
  if (status != 0 || !is_whole(file, parser.get().fib))
    throw parse_failure{ec::malformed_document,
                        "the Word document is cut off or damaged; get a complete copy of it, or "
                        "open it with Word and save it again"};
  doc_walker{parser.get(), in, out}.walk();
}

}  // namespace millrace::parsers
