// The language between a node and an extractor process, version 2. It is stable: parsers of users
// speak it too.
//
// Transport: an AF_UNIX SOCK_STREAM socket, descriptor 3 of the extractor. Integers are
// little-endian and unsigned. A string is its length (u32) and its bytes. Every frame is
//
//   u32 length of the payload (at most max_frame_bytes), u8 type, payload
//
// clang-format off
//   type          from       payload
//   1 hello       extractor  u32 0x5458524D ("MRXT"), u16 version: the first frame, once
//   2 request     node       u64 max_text_bytes, u8 options (1: look for images too, 2: tell each finished page before
//                            the next one begins, however fast they come), u16 count (1 to 32),
//                            count times (u64 number, u64 size, u32 known_pages). `count` open files travel with
//                            the frame's first byte (SCM_RIGHTS), in that order. The node has the first known_pages
//                            pages of a document already: an extractor that can begin behind them says so in its
//                            result, any other reads the whole
//   3 progress    extractor  u64 number, u32 pages finished, growing: all elements of these pages have been sent, in
//                            frames of type 4 before this one or not at all yet
//   4 elements    extractor  u64 number, u32 count, count times an element: a part of the answer
//   5 result      extractor  u64 number, head, u32 count, count times an element: the last part, which ends the
//                            document
//   6 failure     extractor  u64 number, string code, string sentence: ends the document without a result
//   7 read_image  node       u64 number, u64 size, string source, string languages: reads the text of one image of a
//                            document, found where the document's parser said (element, image). One file travels.
//                            Answered by a result with the text as elements, or by a failure
//   8 identity    extractor  u64 number, string sha256, u64 size, u32 skipped_pages, and if it likes, string mime, u32
//                            pages (0 if it does not know), string title: of the document that is read, before its first
//                            elements and progress
//   9 redirect    extractor  u64 number, string mime: ends the document: it is of a type for which the extractor was
//                            told that there is another parser
//  10 working     extractor  u64 number, u64 bytes: between two pages, or in a document without pages. So much of the
//                            document's contents has been worked through since its beginning; growing. At least each
//                            5 s, or the document counts as one that does not move (extraction.timeout)
//
//   head:    string mime, string sha256, u64 size, u32 pages, u32 skipped_pages (0 or known_pages), string title,
//            string warning code ("" for none), string warning sentence,
//            u16 count, count times a property (string name, string value),
//            u16 count, count times a link (u32 page, string target)
//   element: u8 kind, u8 level, u8 flags, u32 page, string text, and if flags & 1 an image:
//            string sha256, string mime, u32 width, u32 height, u64 size, string source.
//            flags & 2: `text` continues the text of the element before, nothing else counts; so a
//            text of any length fits into frames, cut at any byte.
// clang-format on
//
// Documents are answered one by one in the order in which they were sent. The extractor exits when
// its socket closes. Failure codes are those of is_parser_failure(). Anything else on the socket
// costs the document that is due and the process.
//
// Pure functions of bytes: no I/O, any thread. Decoders trust nothing: every length is compared
// with what is there and with a limit below before anything is allocated.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"

namespace millrace::extraction {

namespace wire {
class reader;
}

inline constexpr std::uint16_t protocol_version = 2;
inline constexpr int extractor_socket = 3;  ///< Descriptor number in the extractor.

inline constexpr std::size_t max_frame_bytes = 1 << 20;  ///< Payload of one frame.
inline constexpr std::size_t max_frame_documents = 32;
inline constexpr std::size_t max_elements = 2'000'000;  ///< Of one document.
inline constexpr std::uint32_t max_pages = 1'000'000;   ///< Progress beyond it does not count.
/// Work that counts as progress. Less is what a parser that crawls over hostile bytes would show.
inline constexpr std::uint64_t least_work_bytes = 64 << 10;
inline constexpr std::size_t max_title_bytes = 64 << 10;
inline constexpr std::size_t max_mime_bytes = 255;
inline constexpr std::size_t max_sentence_bytes = 4 << 10;
inline constexpr std::size_t max_source_bytes = 1 << 10;
inline constexpr std::size_t max_languages_bytes = 255;
inline constexpr std::size_t max_properties = 64;
inline constexpr std::size_t max_property_bytes = 4 << 10;
/// Links of one document, all together: those beyond are left out by the encoder.
inline constexpr std::size_t max_links_bytes = 256 << 10;
inline constexpr std::size_t max_link_bytes = 4 << 10;

inline constexpr int memory_exit_code = 86;    ///< An allocation failed.
inline constexpr int protocol_exit_code = 87;  ///< The node sent something that is not a request.

enum class frame_type : std::uint8_t {
  hello = 1,
  request,
  progress,
  elements,
  result,
  failure,
  read_image,
  identity,
  redirect,
  working,
};

struct frame {
  frame_type type{};
  std::string_view payload;  ///< Into the buffer that it was taken from.
};

struct document_request {
  std::uint64_t number = 0;  ///< Chosen by the node; repeated in every answer.
  std::uint64_t size = 0;    ///< Bytes, when it was opened.
  std::uint32_t known_pages = 0;
};

struct request {
  std::uint64_t max_text_bytes = 0;  ///< Sum of the elements' texts of one document.
  bool images = true;                ///< Look for them at all.
  std::vector<document_request> documents;
  bool each_page = false;  ///< Tell each page, so that the one that kills is known.
};

struct progress {
  std::uint64_t number = 0;
  std::uint32_t pages = 0;
};

struct working {
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;
};

struct failure {
  std::uint64_t number = 0;
  error reason;
};

struct image_request {
  std::uint64_t number = 0;
  std::uint64_t size = 0;  ///< Bytes of the document.
  std::string source;      ///< image_info::source
  std::string languages;   ///< Of the text that is expected, as tesseract has them: "eng+deu".
};

struct identity {
  std::uint64_t number = 0;
  std::string sha256;
  std::uint64_t size = 0;
  std::uint32_t skipped_pages = 0;
  std::string mime = {};    ///< Empty if the extractor does not tell.
  std::uint32_t pages = 0;  ///< Of the whole document; 0 if it is not known yet.
  std::string title = {};
};

struct redirect {
  std::uint64_t number = 0;
  std::string mime;
};

/// The codes that an extractor may answer with.
bool is_parser_failure(ec code);
/// The codes of documents that are `ready` all the same.
bool is_warning(ec code);

// Encoders append one frame to `out`.
void append_hello(std::string& out, std::uint16_t version = protocol_version);
void append_request(std::string& out, const request& r);
void append_progress(std::string& out, const progress& p);
void append_working(std::string& out, const working& w);
void append_image_request(std::string& out, const image_request& r);
void append_identity(std::string& out, const identity& i);
void append_redirect(std::string& out, const redirect& r);
/// A code that is not a parser's becomes extraction_crashed; a long sentence is cut.
void append_failure(std::string& out, const failure& f);

/// Cuts a document into frames of about 256 KiB, so that neither side holds it twice.
class document_encoder {
 public:
  /// The whole answer, or its rest from `first_element` on. `document` must outlive the encoder.
  document_encoder(std::uint64_t number, const extracted_document& document,
                   std::size_t first_element = 0);
  /// Elements of an answer that goes on: no result at the end.
  document_encoder(std::uint64_t number, std::span<const element> elements);
  /// Appends one frame; false after the last.
  bool append_next(std::string& out);

 private:
  std::uint32_t append_elements(std::string& out);

  std::uint64_t number_;
  const extracted_document* head_ = nullptr;
  std::span<const element> elements_;
  std::size_t index_ = 0;   ///< Of the element that comes next.
  std::size_t offset_ = 0;  ///< Into its text.
};

/// Takes the first frame off `buffer`; nothing where it is not complete yet. An error where it
/// cannot become one.
result<std::optional<frame>> take_frame(std::string_view& buffer);

// Decoders of payloads. Errors say what is wrong; their code is extraction_crashed.
result<std::uint16_t> decode_hello(std::string_view payload);  ///< The version.
result<request> decode_request(std::string_view payload);
result<progress> decode_progress(std::string_view payload);
result<working> decode_working(std::string_view payload);
result<failure> decode_failure(std::string_view payload);
result<image_request> decode_image_request(std::string_view payload);
result<identity> decode_identity(std::string_view payload);
result<redirect> decode_redirect(std::string_view payload);

/// Joins the frames of one document.
class document_decoder {
 public:
  document_decoder(std::uint64_t number, std::uint64_t max_text_bytes);
  result<void> add_elements(std::string_view payload);
  /// Those that came so far. Their texts are as they were sent, not yet cleaned.
  const std::vector<element>& elements() const { return document_.elements; }
  /// The same, for keeps; ends the use of the decoder.
  std::vector<element> take_elements() { return std::move(document_.elements); }
  /// The last frame; ends the use of the decoder. Texts come out as clean UTF-8, whatever was sent.
  result<extracted_document> finish(std::string_view payload);

 private:
  bool read_head(wire::reader& in);
  result<void> read_elements(wire::reader& in);
  result<void> read_element(wire::reader& in);

  std::uint64_t number_;
  std::uint64_t text_left_;  ///< Bytes.
  extracted_document document_;
};

}  // namespace millrace::extraction
