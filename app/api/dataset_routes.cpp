#include <algorithm>
#include <cstring>

#include "app/api/api.hpp"
#include "app/api/submit_paths.hpp"
#include "runtime/datasets/dataset_reader.hpp"
#include "runtime/embedding/embed_text.hpp"
#include "runtime/http/json.hpp"
#include "runtime/sources/file_uri.hpp"

namespace millrace {

namespace {

int number(const http::request& r, const char* name, int otherwise) {
  const auto found = r.query.find(name);
  return found == r.query.end() ? otherwise : std::atoi(found->second.c_str());
}

std::string text(const http::request& r, const char* name) {
  const auto found = r.query.find(name);
  return found == r.query.end() ? std::string{} : found->second;
}

/// True where `real`, a path without links, lies in (or is) one of the allowed folders.
bool is_allowed(const std::string& real, const std::vector<std::string>& allow) {
  return std::any_of(allow.begin(), allow.end(), [&](const std::string& entry) {
    auto root = path_of_file_uri(entry).value_or("");
    while (root.size() > 1 && root.ends_with('/')) root.pop_back();
    return !root.empty() && (root == "/" || real == root || real.starts_with(root + "/"));
  });
}

/// Uploads of the dataset are allowed without being listed; those of another are not, because they
/// go when that one is deleted. `dataset`: null where it does not exist yet.
result<std::filesystem::path> allowed_path(const api_services& s, const std::string& uri,
                                           const dataset_identity* dataset) {
  const auto place = place_of_file_uri(uri);
  if (!place || (!place->node.empty() && place->node != s.disk))
    return fail(ec::invalid_argument,
                "`" + uri + "` is not a file:// URI of an absolute path on this node");
  std::error_code problem;
  const auto real = std::filesystem::weakly_canonical(place->path, problem).native();
  if (s.uploads && !s.uploads->has(real) && s.uploads->is_below(real))
    return fail(ec::permission_denied, "`" + uri +
                                           "` contains the node's folder of uploads, which are "
                                           "other datasets' files; name the folders beside it");
  if (s.uploads && s.uploads->has(real)) {
    if (dataset != nullptr && real.starts_with(s.uploads->folder_of(dataset->id).native() + "/"))
      return real;
    return fail(ec::permission_denied,
                "`" + uri + "` was not uploaded for this dataset; upload it for this one");
  }
  if (!is_allowed(real, s.config->sources.allow))
    return fail(
        ec::permission_denied,
        "`" + uri + "` is outside of sources.allow of the node's config; add its folder there");
  return place->path;
}

/// Sets the order's paths, and which dataset they are for where uploads are among them.
result<void> set_paths(const api_services& s, const std::vector<std::string>& uris,
                       paths_order& order) {
  const auto known = dataset_reader{*s.pool}.find(order.submit.dataset);
  if (!known && known.error().code != ec::unknown_dataset)
    return tl::unexpected<error>(known.error());
  const auto* named = known && known->name == order.submit.dataset ? &*known : nullptr;
  for (const auto& uri : uris) {
    auto path = allowed_path(s, uri, named);
    if (!path) return tl::unexpected<error>(path.error());
    if (s.uploads && named != nullptr && s.uploads->has(*path))
      order.submit.expected_id = named->id;
    order.paths.push_back(std::move(*path));
  }
  return {};
}

result<std::string> create(const api_services& s, const http::request& r) {
  auto order = new_order(s);
  std::vector<std::string> uris;
  const auto read = json::parse_object(
      r.body, {json::required("name", order.submit.dataset),
               json::optional("account", order.submit.account), json::required("uris", uris),
               json::optional("prune", order.submit.prune),
               json::optional("priority", order.submit.priority),
               json::optional("include", order.filter.include),
               json::optional("exclude", order.filter.exclude),
               json::optional("charge_id", order.submit.charge_id),
               json::optional("idempotency_key", order.submit.idempotency_key)});
  if (!read) return tl::unexpected<error>(read.error());
  if (auto set = set_paths(s, uris, order); !set) return tl::unexpected<error>(set.error());
  if (order.submit.account != ledger::default_account) order.submit.initial_grant = 0;
  const auto summary = submit_paths(*s.pool, order);
  if (!summary) return tl::unexpected<error>(summary.error());
  s.submitted();
  json::writer out;
  out.begin_object()
      .field("id", summary->submit.dataset_id)
      .field("dataset", order.submit.dataset)
      .field("created", summary->submit.created)
      .field("submitted", summary->submit.submitted)
      .field("unchanged", summary->submit.unchanged)
      .field("pending", summary->submit.pending)
      .field("pruned", summary->submit.pruned)
      .field("total", summary->submit.total)
      .field("charged", summary->submit.charged)
      .field("transaction_id", summary->submit.transaction_id)
      .field("excluded", summary->walked.excluded)
      .field("skipped_dotfiles", summary->walked.skipped_dotfiles)
      .field("skipped_links", summary->walked.skipped_links)
      .field("skipped_special", summary->walked.skipped_special)
      .field("unreadable_folders", summary->walked.unreadable_folders)
      .end_object();
  return out.take();
}

result<std::string> search(const api_services& s, const http::request& r) {
  std::string dataset, query;
  int limit = 10;
  const auto read =
      json::parse_object(r.body, {json::required("dataset", dataset),
                                  json::required("query", query), json::optional("limit", limit)});
  if (!read) return tl::unexpected<error>(read.error());
  dataset_reader reader{*s.pool};
  const auto found = reader.find(dataset);
  if (!found) return tl::unexpected<error>(found.error());
  const auto embedded = embed_query(*s.config, s.provider, found->model, found->dimensions, query);
  if (!embedded) return tl::unexpected<error>(embedded.error());
  return reader.search(*found, *embedded, limit);
}

http::response export_chunks(const api_services& s, const http::request& r) {
  dataset_reader reader{*s.pool};
  const auto dataset = reader.find(r.params.at("id"));
  if (!dataset) return http::error_response(dataset.error());
  http::response response;
  response.content_type = "application/x-ndjson";
  auto rows = std::make_shared<chunk_export>(*s.pool, *dataset);
  response.stream = [rows](std::string& lines) {
    if (auto read = rows->next(lines); !read)
      throw std::runtime_error{read.error().message};  // the body breaks off
    return !lines.empty();
  };
  return response;
}

}  // namespace

void add_dataset_routes(http::router& router, const api_services& s) {
  router.add("POST /v1/datasets", [&s](const http::request& r) {
    auto response = answer(create(s, r));
    if (response.status == 200) response.status = 201;
    return response;
  });
  router.add("GET /v1/datasets", [&s](const http::request& r) {
    const auto list = dataset_reader{*s.pool}.list(text(r, "status"));
    return answer(list ? result<std::string>{R"({"datasets":)" + *list + "}"} : list);
  });
  router.add("GET /v1/datasets/{id}", [&s](const http::request& r) {
    return answer(dataset_reader{*s.pool}.one(r.params.at("id")));
  });
  router.add("GET /v1/datasets/{id}/documents", [&s](const http::request& r) {
    return answer(dataset_reader{*s.pool}.documents({r.params.at("id"), text(r, "status"),
                                                     std::atoll(text(r, "after").c_str()),
                                                     number(r, "limit", 100)}));
  });
  router.add("GET /v1/datasets/{id}/chunks",
             [&s](const http::request& r) { return export_chunks(s, r); });
  router.add("POST /v1/search", [&s](const http::request& r) { return answer(search(s, r)); });
}

}  // namespace millrace
