// The TCP side of the links between nodes: whether somebody listens at an address, and whether this
// node can.
//
// Any thread. The functions say how long they block; resolving a name comes on top.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/settings.hpp"
#include "runtime/core/unique_fd.hpp"

namespace millrace {

struct link_address {
  std::string host;
  std::uint16_t port = 0;
  std::string text() const;  ///< "HOST:PORT", "[HOST]:PORT" for IPv6.
};

/// "HOST:PORT" or "[HOST]:PORT"; none if it is neither or the port is 0.
std::optional<link_address> parse_link_address(const std::string& text);

/// None if a TCP connection can be opened (it is closed at once), else the reason, as a sentence
/// without the address. Blocks for at most `limit`.
std::optional<std::string> why_unreachable(const link_address& to, duration limit);

/// False if the host resolves to addresses of other machines only, or not at all.
bool is_of_this_machine(const std::string& host);

/// None if this process could listen there now, else the reason, as a sentence without the address.
std::optional<std::string> why_not_listening(const link_address& at);

/// None and a non-blocking connection in `socket`, else the reason, as why_unreachable().
std::optional<std::string> connect_to(const link_address& to, duration limit, unique_fd& socket);

/// None and a non-blocking listening `socket`, else the reason, as why_not_listening().
std::optional<std::string> listen_at(const link_address& at, unique_fd& socket);

}  // namespace millrace
