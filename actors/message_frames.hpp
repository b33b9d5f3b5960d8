// Follows the frames of BASP, CAF's protocol, in what a link receives, for what CAF does not do. It
// sets no limit to the length that a frame announces, and reserves that much memory at once. It
// takes a handshake under another id and messages that one node passes on for another, so that
// whoever holds a certificate could speak in the name of any node: nodes are linked each with each
// and need neither.
//
// A frame is a header of 32 bytes, with its kind in the first and the length of what follows in
// bytes 4 to 7 (big endian), and that payload. Each side begins with a handshake, whose payload
// begins with the sender's node id; the one that dialled may repeat it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <caf/all.hpp>

namespace millrace {

class message_frames {
 public:
  /// Of a handshake: node id, application names, a handle.
  static constexpr std::uint32_t max_handshake = 16U << 10;
  /// Of any other. The largest that nodes send are an image with its text (extraction.max_text) and
  /// the embeddings of a slice.
  static constexpr std::uint32_t max_payload = 256U << 20;

  /// What the link's other end sent, in order. False: it announces more than is allowed, does not
  /// begin with a handshake, or speaks for another node. Nothing of it may be passed on then.
  bool follow(const char* bytes, std::size_t size);
  /// What it objects to.
  const std::string& problem() const { return problem_; }
  /// The sender's, once its handshake is complete.
  const std::optional<caf::node_id>& sender() const { return sender_; }

 private:
  static constexpr std::size_t header_size = 32;

  bool end_header();
  bool end_handshake();

  std::vector<char> header_;
  std::vector<char> handshake_;  ///< Its payload, until it is complete.
  std::uint32_t payload_left_ = 0;
  bool greets_ = false;  ///< The frame at hand is a handshake.
  std::string problem_;
  std::optional<caf::node_id> sender_;
};

}  // namespace millrace
