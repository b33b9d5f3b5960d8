// The TCP side of the links between nodes: is somebody at an address, and can this node be there.
//
// Any thread; the functions say how long they block.
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

/// "HOST:PORT" or "[HOST]:PORT"; nothing where it is neither or the port is 0.
std::optional<link_address> parse_link_address(const std::string& text);

/// Nothing where a TCP connection could be opened (it is closed at once), else why not, as a
/// sentence without the address. Blocks for at most `limit`, and for the name's resolution.
std::optional<std::string> why_unreachable(const link_address& to, duration limit);

/// False where the host stands for other machines only, or its name is not known. Blocks for the
/// name's resolution.
bool is_of_this_machine(const std::string& host);

/// Nothing where this process could listen there now, else why not, as a sentence without the
/// address. Blocks for the name's resolution.
std::optional<std::string> why_not_listening(const link_address& at);

/// Nothing and a non-blocking connection, else why not, as why_unreachable.
std::optional<std::string> connect_to(const link_address& to, duration limit, unique_fd& socket);

/// Nothing and a non-blocking socket that listens, else why not, as why_not_listening.
std::optional<std::string> listen_at(const link_address& at, unique_fd& socket);

}  // namespace millrace
