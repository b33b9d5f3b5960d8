#include "actors/message_frames.hpp"

#include <algorithm>
#include <utility>

#include <caf/binary_deserializer.hpp>
#include <caf/io/basp/header.hpp>
#include <caf/io/basp/message_type.hpp>

namespace millrace {

static_assert(caf::io::basp::header_size == 32);

bool message_frames::follow(const char* bytes, std::size_t size) {
  while (size > 0) {
    std::size_t taken = 0;
    if (payload_left_ > 0) {
      taken = std::min<std::size_t>(size, payload_left_);
      if (greets_) handshake_.insert(handshake_.end(), bytes, bytes + taken);
      payload_left_ -= static_cast<std::uint32_t>(taken);
      if (payload_left_ == 0 && greets_ && !end_handshake()) return false;
    } else {
      taken = std::min(size, header_size - header_.size());
      header_.insert(header_.end(), bytes, bytes + taken);
      if (header_.size() == header_size && !end_header()) return false;
    }
    bytes += taken;
    size -= taken;
  }
  return true;
}

bool message_frames::end_header() {
  using caf::io::basp::message_type;
  std::uint32_t length = 0;
  for (std::size_t i = 4; i < 8; ++i) length = length << 8 | static_cast<unsigned char>(header_[i]);
  const auto kind = static_cast<message_type>(header_[0]);
  header_.clear();
  payload_left_ = length;
  greets_ = kind == message_type::server_handshake || kind == message_type::client_handshake;
  const bool fits = greets_
                        ? length > 0 && length <= max_handshake
                        : sender_ && kind != message_type::routed_message && length <= max_payload;
  if (!fits)
    problem_ = "a frame of kind " + std::to_string(static_cast<int>(kind)) + " and " +
               std::to_string(length) + " bytes" + (sender_ ? "" : " before its handshake");
  return fits;
}

bool message_frames::end_handshake() {
  caf::node_id sender;
  try {
    const auto payload = std::exchange(handshake_, {});
    caf::binary_deserializer source{nullptr, payload};
    if (source(sender)) sender = caf::node_id{};
  } catch (const std::exception&) {  // a length that it could not allocate
    sender = caf::node_id{};
  }
  problem_ = "a handshake without its id";
  if (!sender || (sender_ && *sender_ != sender)) return false;
  sender_ = std::move(sender);
  return true;
}

}  // namespace millrace
