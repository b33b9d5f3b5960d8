// PUT /v1/datasets/ID/documents/NAME: a file from a machine without a node. It is received into a
// file (runtime/http), kept below this node's uploads, and submitted as a document of the dataset;
// with queue=false it is only kept, and a later POST /v1/datasets names it among others. While the
// document waits or is in work its file stays as it is: `pending`.
#include <charconv>

#include "app/api/api.hpp"
#include "runtime/datasets/control.hpp"
#include "runtime/datasets/dataset_reader.hpp"
#include "runtime/http/json.hpp"
#include "runtime/sources/file_uri.hpp"

namespace millrace {

namespace {

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

/// Bytes that the client announces; 0 where it does not.
std::uint64_t announced_size(const http::request& head) {
  std::uint64_t size = 0;
  const auto found = head.headers.find("content-length");
  if (found != head.headers.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), size);
  return size;
}

tl::expected<std::shared_ptr<received_file>, http::response> open_upload(
    const api_services& s, const http::request& head) {
  const auto order = read_order(s, head);
  if (!order) return tl::unexpected(http::error_response(order.error()));
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
  // A node may have been given its link, and its files their new URIs, after the document.
  const std::vector<std::string> uris{file_uri(path.native(), s.disk), file_uri(path.native())};
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
  json::writer out;
  out.begin_object()
      .field("uri", uris.front())
      .field("dataset", o->dataset)
      .field("status", status)
      .end_object();
  return kept_upload{out.take(), changed};
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
