// Word 97-2003 documents, and those of Word 6 and 95: paragraphs, headings by their styles, tables,
// links, foot- and endnotes and text boxes. libwv reads them from memory; it opens no file.
#include "runtime/parsers/doc_tables.hpp"
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
    // It keeps the streams of encrypted documents, and would close them at the next one's end.
    parser_->fib.fEncrypted = 0;
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

void check_version(const FIB& fib) {
  const auto version = doc_version(fib);
  if (version == WORD6 || version == WORD7 || version == WORD8) return;
  throw parse_failure{ec::unsupported_format,
                      "the Word document is of a version before Word 6; open it with Word or "
                      "LibreOffice and save it as DOCX"};
}

void check_tables(const ole_file& file, const FIB& fib, const parse_limits& limits) {
  const auto text = file.read_stream("WordDocument");
  const auto tables = doc_version(fib) == WORD8
                          ? file.read_stream(fib.fWhichTblStm != 0 ? "1Table" : "0Table")
                          : text;
  if (!text || !tables) fail_damaged_doc();
  check_doc_tables(fib, *text, *tables, limits.max_text_bytes);
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
  if (status != 0) fail_damaged_doc();
  const auto& fib = parser.get().fib;
  check_version(fib);
  check_tables(file, fib, in.limits);
  doc_walker{parser.get(), out}.walk();
}

}  // namespace millrace::parsers
