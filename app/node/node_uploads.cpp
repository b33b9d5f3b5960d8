#include "app/node/node_uploads.hpp"

#include <spdlog/spdlog.h>

#include "runtime/database/database_identity.hpp"

namespace millrace {

node_uploads::node_uploads(connection_pool& pool, std::shared_ptr<upload_store> store,
                           const std::string& node)
    : store_{std::move(store)},
      sweep_{pool, store_, node},
      upkeep_{std::vector<maintenance_job>{{"sweeping uploads", sweep_interval, [this] {
                                              return sweep_.run().map([](std::int64_t) {});
                                            }}}} {
  upkeep_.lead(true);  // Each node looks after its own.
}

result<std::unique_ptr<node_uploads>> node_uploads::open(
    const sources_settings& sources, const std::filesystem::path& data_directory,
    connection_pool& pool, const std::string& node) {
  std::filesystem::path folder = sources.uploads;
  if (folder.empty() && !data_directory.empty())
    folder = std::filesystem::absolute(data_directory / "uploads");
  if (folder.empty()) return nullptr;
  const auto database = database_identity(pool, "uploads");
  if (!database) return tl::unexpected<error>(database.error());
  auto store = upload_store::open(folder, *database, sources.shared ? std::string{} : node);
  if (!store && !sources.uploads.empty()) return tl::unexpected<error>(store.error());
  if (!store) {  // Nobody asked for it, and work goes on without.
    spdlog::warn("{}; until then uploads are refused", store.error().message);
    return nullptr;
  }
  return std::unique_ptr<node_uploads>{new node_uploads{pool, std::move(*store), node}};
}

}  // namespace millrace
