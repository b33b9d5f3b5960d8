#include "runtime/cluster/submitted_files.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <unistd.h>

#include "runtime/core/blocking.hpp"
#include "runtime/extraction/document_file.hpp"
#include "runtime/sources/file_uri.hpp"

namespace millrace {

namespace {

constexpr auto submitted_sql = "select from documents where id = $1 and uri = $2";

}  // namespace

result<submitted_piece> submitted_files::read(std::int64_t document_id, const std::string& uri,
                                              std::uint64_t offset, std::size_t length) {
  assert_may_block("submitted_files::read");
  auto found = find(document_id, uri, offset == 0);
  if (!found) return tl::unexpected<error>(found.error());
  auto& file = **found;
  // Anew each time: a change in place must show.
  const auto version = extraction::version_of(file.fd);
  if (!version) return fail(version.error().code, uri + ": " + version.error().message);
  submitted_piece piece;
  piece.version = *version;
  piece.bytes.resize(length);
  std::size_t done = 0;
  while (done < length) {
    const auto n = ::pread(file.fd.get(), piece.bytes.data() + done, length - done,
                           static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return fail(ec::source_unreadable, uri + ": " + std::generic_category().message(errno));
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  piece.bytes.resize(done);
  if (done < length) open_.pop_front();
  return piece;
}

/// The file of this document, first in `open_`.
result<submitted_files::open_file*> submitted_files::find(std::int64_t document_id,
                                                          const std::string& uri, bool anew) {
  const auto known = std::find_if(open_.begin(), open_.end(),
                                  [&](const auto& f) { return f.document_id == document_id; });
  if (known != open_.end() && !anew) {
    open_.splice(open_.begin(), open_, known);
    return &open_.front();
  }
  if (known != open_.end()) open_.erase(known);
  const auto path = path_of(document_id, uri);
  if (!path) return tl::unexpected<error>(path.error());
  auto opened = extraction::open_document(*path);
  if (!opened) return tl::unexpected<error>(opened.error());
  open_.push_front({document_id, std::move(opened->fd)});
  if (open_.size() > max_open) open_.pop_back();
  return &open_.front();
}

result<std::string> submitted_files::path_of(std::int64_t document_id, const std::string& uri) {
  auto place = place_of_file_uri(uri);
  if (!place || place->node != node_)
    return fail(ec::permission_denied, uri + " is no file of node `" + node_ + "`");
  const auto submitted =
      pool_.transact("files", [&](sql::work& tx, pooled_connection& c) -> result<bool> {
        c.prepare("submitted_file", submitted_sql);
        return !tx.exec(sql::prepared{"submitted_file"}, sql::params{document_id, uri}).empty();
      });
  if (!submitted) return tl::unexpected<error>(submitted.error());
  if (!*submitted)
    return fail(ec::permission_denied, uri + " was not submitted as document " +
                                           std::to_string(document_id) + "; nothing is read");
  return std::move(place->path);
}

}  // namespace millrace
