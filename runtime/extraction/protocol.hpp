// The language between a node and an extractor process, version 1. It is stable: parsers of users
// speak it too.
//
// Transport: an AF_UNIX SOCK_STREAM socket, descriptor 3 of the extractor. Integers are
// little-endian and unsigned. A string is its length (u32) and its bytes. Every frame is
//
//   u32 length of the payload (at most max_frame_bytes), u8 type, payload
//
//   type          from       payload
//   1 hello       extractor  u32 0x5458524D ("MRXT"), u16 version: the first frame, once
//   2 request     node       u64 max_text_bytes, u16 count (1 to 32), count times (u64 number, u64
//   size).
//                            `count` open files travel with the frame's first byte (SCM_RIGHTS), in
//                            that order
//   3 progress    extractor  u64 number, u32 pages finished, growing
//   4 elements    extractor  u64 number, u32 count, count times an element: a part of a large
//   answer 5 result      extractor  u64 number, string mime, string sha256, u64 size, u32 pages,
//   string title,
//                            u32 count, count times an element: the last part, which ends the
//                            document
//   6 failure     extractor  u64 number, string code, string sentence: ends the document without a
//   result
//
//   element: u8 kind, u8 level, u8 flags, u32 page, string text, and if flags & 1 an image:
//            string sha256, string mime, u32 width, u32 height, u64 size.
//            flags & 2: `text` continues the text of the element before, nothing else counts; so a
//            text of any length fits into frames, cut at any byte.
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
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"

namespace millrace::extraction {

namespace wire {
class reader;
}

inline constexpr std::uint16_t protocol_version = 1;
inline constexpr int extractor_socket = 3;  ///< Descriptor number in the extractor.

inline constexpr std::size_t max_frame_bytes = 1 << 20;  ///< Payload of one frame.
inline constexpr std::size_t max_frame_documents = 32;
inline constexpr std::size_t max_elements = 2'000'000;  ///< Of one document.
inline constexpr std::uint32_t max_pages = 1'000'000;   ///< Progress beyond it does not count.
inline constexpr std::size_t max_title_bytes = 64 << 10;
inline constexpr std::size_t max_mime_bytes = 255;
inline constexpr std::size_t max_sentence_bytes = 4 << 10;

inline constexpr int memory_exit_code = 86;    ///< An allocation failed.
inline constexpr int protocol_exit_code = 87;  ///< The node sent something that is not a request.

enum class frame_type : std::uint8_t { hello = 1, request, progress, elements, result, failure };

struct frame {
  frame_type type{};
  std::string_view payload;  ///< Into the buffer that it was taken from.
};

struct document_request {
  std::uint64_t number = 0;  ///< Chosen by the node; repeated in every answer.
  std::uint64_t size = 0;    ///< Bytes, when it was opened.
};

struct request {
  std::uint64_t max_text_bytes = 0;  ///< Sum of the elements' texts of one document.
  std::vector<document_request> documents;
};

struct progress {
  std::uint64_t number = 0;
  std::uint32_t pages = 0;
};

struct failure {
  std::uint64_t number = 0;
  error reason;
};

/// The codes that an extractor may answer with.
bool is_parser_failure(ec code);

// Encoders append one frame to `out`.
void append_hello(std::string& out, std::uint16_t version = protocol_version);
void append_request(std::string& out, const request& r);
void append_progress(std::string& out, const progress& p);
/// A code that is not a parser's becomes extraction_crashed; a long sentence is cut.
void append_failure(std::string& out, const failure& f);

/// Cuts a document into frames of about 256 KiB, so that neither side holds it twice.
class document_encoder {
 public:
  /// `document` must outlive the encoder.
  document_encoder(std::uint64_t number, const extracted_document& document);
  /// Appends one frame; false after the last.
  bool append_next(std::string& out);

 private:
  std::uint32_t append_elements(std::string& out);

  std::uint64_t number_;
  const extracted_document& document_;
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
result<failure> decode_failure(std::string_view payload);

/// Joins the frames of one document.
class document_decoder {
 public:
  document_decoder(std::uint64_t number, std::uint64_t max_text_bytes);
  result<void> add_elements(std::string_view payload);
  /// The last frame; ends the use of the decoder. Texts come out as clean UTF-8, whatever was sent.
  result<extracted_document> finish(std::string_view payload);

 private:
  result<void> read_elements(wire::reader& in);
  result<void> read_element(wire::reader& in);

  std::uint64_t number_;
  std::uint64_t text_left_;  ///< Bytes.
  extracted_document document_;
};

}  // namespace millrace::extraction
