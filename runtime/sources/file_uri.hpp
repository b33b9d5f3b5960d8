// file:// URIs (RFC 8089) of local paths. Bytes that are not printable ASCII, or mean something in
// a URI, are percent-encoded, unless they are part of valid UTF-8: names stay readable, and any
// name survives.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace {

/// "/srv/a b.txt" → "file:///srv/a%20b.txt". The path must be absolute. With a node:
/// "file://NODE/srv/a%20b.txt", a file of that node's disk.
std::string file_uri(std::string_view absolute_path, std::string_view node = {});

/// Where a file is.
struct file_place {
  std::string node;  ///< Empty: any node's disk has it.
  std::string path;
};
/// Nothing where it is another kind of URI or malformed.
std::optional<file_place> place_of_file_uri(std::string_view uri);
/// The path of a file URI without a host; nothing where it is another kind of URI or malformed.
std::optional<std::string> path_of_file_uri(std::string_view uri);

}  // namespace millrace
