// PUT /v1/datasets/ID/documents/NAME: a file from a machine without a node. It is received into a
// file (runtime/http), kept below this node's uploads, and submitted as a document of the dataset;
// with queue=false it is only kept, and a later POST /v1/datasets names it among others. While the
// document waits or is in work its file stays as it is: `pending`.
//
// A file's entity tag is its SHA-256. With "If-None-Match: TAG" a file that is there with this
// content is not received again: 412, and nothing is done, but that the sweep leaves it for longer.
#include <charconv>

#include "app/api/api.hpp"
#include "runtime/datasets/control.hpp"
#include "runtime/datasets/dataset_reader.hpp"
#include "runtime/http/json.hpp"
#include "runtime/sources/file_uri.hpp"

namespace millrace {

namespace {

constexpr std::size_t sha256_digits = 64;

/// What the path and the query of an upload say.
struct upload_order {
  std::string name;     ///< Of the document.
  std::string dataset;  ///< Its name.
  std::string account;
  std::optional<dataset_identity> known;  ///< Nothing: the upload makes it.
  bool queue = true;
};

std::string query_of(const http::request& r, const char* key) {
  const auto found = r.query.find(key);
  return found == r.query.end() ? std::string{} : found->second;
}

result<upload_order> read_order(const api_services& s, const http::request& r) {
  if (!s.uploads)
    return fail(ec::invalid_config,
                "uploads are refused: this node has no folder for them; set sources.uploads in "
                "its config to a folder that its user may write");
  upload_order order;
  order.name = r.params.at("name");
  if (auto fits = check_upload_name(order.name); !fits) return tl::unexpected<error>(fits.error());
  const auto queue = query_of(r, "queue");
  if (!queue.empty() && queue != "true" && queue != "false")
    return fail(ec::invalid_argument, "queue is `" + queue + "`; it is true (default) or false");
  order.queue = queue != "false";
  order.dataset = r.params.at("id");
  order.account = query_of(r, "account");
  auto known = dataset_reader{*s.pool}.find(order.dataset);
  if (!known && known.error().code != ec::unknown_dataset)
    return tl::unexpected<error>(known.error());
  if (!known) {
    if (order.account.empty()) order.account = ledger::default_account;
    return order;
  }
  order.dataset = known->name;
  if (order.account.empty()) order.account = known->account;
  if (order.account != known->account)
    return fail(ec::dataset_conflict,
                "dataset `" + known->name + "` belongs to account `" + known->account + "`");
  order.known = std::move(*known);
  return order;
}

/// In the order in which a document is looked for: a node may have been given its link, and its
/// files their new URIs, after the document.
std::vector<std::string> uris_of(const api_services& s, std::int64_t dataset,
                                 const upload_order& o) {
  const auto path = s.uploads->path_of(dataset, o.name).native();
  return {file_uri(path, s.disk), file_uri(path)};
}

std::string outcome_json(const std::string& uri, const upload_order& o, const std::string& status) {
  json::writer out;
  out.begin_object()
      .field("uri", uri)
      .field("dataset", o.dataset)
      .field("status", status)
      .end_object();
  return out.take();
}

/// The SHA-256 that the client asks about, in lower-case hex; empty: it does not.
result<std::string> asked_content(const http::request& head) {
  const auto found = head.headers.find("if-none-match");
  if (found == head.headers.end()) return std::string{};
  std::string_view tag = found->second;
  const auto quoted = tag.size() == sha256_digits + 2 && tag.front() == '"' && tag.back() == '"';
  if (quoted) tag = tag.substr(1, sha256_digits);
  if (!quoted || tag.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return fail(ec::invalid_argument,
                "If-None-Match is not the SHA-256 of a file: 64 lower-case hex digits in double "
                "quotes");
  return std::string{tag};
}

/// Bytes that the client announces; 0 where it does not.
std::uint64_t announced_size(const http::request& head) {
  std::uint64_t size = 0;
  const auto found = head.headers.find("content-length");
  if (found != head.headers.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), size);
  return size;
}

/// True where the file is there with this content already; then the sweep leaves it for as long as
/// one that has just come.
result<bool> is_there(const api_services& s, const upload_order& o, const std::string& sha256,
                      std::uint64_t size) {
  if (sha256.empty() || !o.known || !s.uploads->holds(o.known->id, o.name, size, sha256))
    return false;
  // Where the document waits or is in work, a new time would be a new version of its file; nor does
  // the sweep take what a document names.
  const auto renewed = replace_file(*s.pool, o.known->id, uris_of(s, o.known->id, o),
                                    [&] { return s.uploads->renew(o.known->id, o.name); });
  if (!renewed && renewed.error().code == ec::path_missing) return false;
  if (!renewed) return tl::unexpected<error>(renewed.error());
  return true;
}

tl::expected<std::shared_ptr<received_file>, http::response> open_upload(
    const api_services& s, const http::request& head) {
  const auto order = read_order(s, head);
  if (!order) return tl::unexpected(http::error_response(order.error()));
  const auto sha256 = asked_content(head);
  if (!sha256) return tl::unexpected(http::error_response(sha256.error()));
  const auto there = is_there(s, *order, *sha256, announced_size(head));
  if (!there) return tl::unexpected(http::error_response(there.error()));
  if (*there) {
    auto unchanged =
        answer(outcome_json(uris_of(s, order->known->id, *order).front(), *order, "unchanged"));
    unchanged.status = 412;
    return tl::unexpected(std::move(unchanged));
  }
  auto file = received_file::create(s.uploads->incoming(),
                                    {s.config->api.max_upload, s.config->storage.min_free},
                                    announced_size(head));
  if (!file) return tl::unexpected(http::error_response(file.error()));
  return std::move(*file);
}

paths_order submission_of(const api_services& s, const upload_order& o) {
  auto order = new_order(s);
  order.submit.dataset = o.dataset;
  order.submit.account = o.account;
  if (o.account != ledger::default_account) order.submit.initial_grant = 0;
  return order;
}

/// The dataset's id; a submission of nothing makes one that is missing.
result<std::int64_t> dataset_of(const api_services& s, const upload_order& o) {
  if (o.known) return o.known->id;
  const auto made = submit_paths(*s.pool, submission_of(s, o));
  if (!made) return tl::unexpected<error>(made.error());
  return made->submit.dataset_id;
}

struct kept_upload {
  std::string json;
  bool changed = true;  ///< Something is there now that was not there before.
};

result<kept_upload> keep(const api_services& s, const http::request& r) {
  const auto o = read_order(s, r);
  if (!o) return tl::unexpected<error>(o.error());
  if (!r.file) return fail(ec::internal, "an upload came without its file");
  const auto id = dataset_of(s, *o);
  if (!id) return tl::unexpected<error>(id.error());
  const auto path = s.uploads->path_of(*id, o->name);
  // Before the document is locked: it takes as long as the file is large.
  if (auto synced = r.file->sync(); !synced) return tl::unexpected<error>(synced.error());
  const auto uris = uris_of(s, *id, *o);
  const auto replaced = replace_file(*s.pool, *id, uris, [&] {
    return s.uploads->keep(*r.file, *id, o->name).map([](const auto&) {});
  });
  if (!replaced) return tl::unexpected<error>(replaced.error());
  std::string status = *replaced ? "stored" : "pending";
  bool changed = *replaced;
  if (*replaced && o->queue) {
    auto order = submission_of(s, *o);
    order.submit.expected_id = *id;
    order.paths = {path};
    const auto summary = submit_paths(*s.pool, order);
    if (!summary) return tl::unexpected<error>(summary.error());
    s.submitted();
    changed = summary->submit.submitted > 0;
    status = changed ? "queued" : summary->submit.unchanged > 0 ? "unchanged" : "pending";
  }
  return kept_upload{outcome_json(uris.front(), *o, status), changed};
}

}  // namespace

void add_upload_routes(http::router& router, const api_services& s) {
  router.add(
      "PUT /v1/datasets/{id}/documents/{name...}",
      [&s](const http::request& r) {
        auto kept = keep(s, r);
        if (!kept) return http::error_response(kept.error());
        auto response = answer(std::move(kept->json));
        if (kept->changed) response.status = 201;
        return response;
      },
      [&s](const http::request& head) { return open_upload(s, head); });
}

}  // namespace millrace
