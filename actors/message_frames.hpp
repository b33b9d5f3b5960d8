// Checks the frames of BASP, CAF's protocol, that a link receives, because CAF does not:
//
//   - CAF allocates whatever length a frame announces. Here it is limited.
//   - CAF accepts a second handshake under another node id, and messages that one node relays for
//     another. Either would let the holder of any certificate impersonate any node. Every two nodes
//     have a link of their own, so neither is needed, and both are refused.
//
// A frame is a 32-byte header and a payload. Byte 0 of the header is the frame's kind, bytes 4 to 7
// are the payload's length (big endian). Each side starts with a handshake, whose payload starts
// with the sender's node id; the side that dialled may repeat it.
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
  /// Bytes of a handshake's payload: node id, application names, an actor handle.
  static constexpr std::uint32_t max_handshake = 16U << 10;
  /// Bytes of any other payload. The largest that nodes send are an image with its text
  /// (extraction.max_text) and the embeddings of a slice.
  static constexpr std::uint32_t max_payload = 256U << 20;

  /// Takes the next bytes from the other end. False if they announce too large a frame, do not
  /// start with a handshake or speak for another node: then none of them may be passed on.
  bool follow(const char* bytes, std::size_t size);
  /// Why follow() returned false.
  const std::string& problem() const { return problem_; }
  /// The other end's id, once its handshake is complete.
  const std::optional<caf::node_id>& sender() const { return sender_; }

 private:
  static constexpr std::size_t header_size = 32;

  bool end_header();
  bool end_handshake();

  std::vector<char> header_;
  std::vector<char> handshake_;  ///< Its payload, until it is complete.
  std::uint32_t payload_left_ = 0;
  bool greets_ = false;  ///< The current frame is a handshake.
  std::string problem_;
  std::optional<caf::node_id> sender_;
};

}  // namespace millrace
