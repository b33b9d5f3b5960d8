// Forms that some texts of the configuration must have: names, addresses, URLs, roles.
//
// Pure; any thread may call them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// 1 to 63 of a-z, A-Z, 0-9, '-', '_' and '.', beginning with a letter or digit.
bool is_name(std::string_view text);
/// "HOST:PORT" ("[::1]:8080" for IPv6), "unix:/PATH" or nothing.
bool is_listen_address(std::string_view text);
/// A host name or an address, without a port.
bool is_host(std::string_view text);
/// "embedded:", "embedded:DIR", "postgresql://…" or "postgres://…".
bool is_database_url(std::string_view text);
bool is_http_url(std::string_view text);
/// "type/subtype".
bool is_mime_type(std::string_view text);
/// "70%" or "4GiB".
bool is_memory_budget(std::string_view text);
/// "eng" or "eng+deu".
bool is_ocr_languages(std::string_view text);
/// The name of an environment variable, or nothing.
bool is_variable_name(std::string_view text);

/// "embedded:…": the private server, not somebody's.
bool is_embedded_database(std::string_view url);
/// True where a URL carries a password, before its '@' or as a parameter: secrets do not belong in
/// settings.
bool has_password(std::string_view url);
/// 127.0.0.0/8, ::1 or localhost.
bool is_loopback_host(std::string_view host);

/// The roles a node may have, "all" first.
const std::vector<std::string>& role_names();

}  // namespace millrace
