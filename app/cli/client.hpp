// How a command reaches the data: a node at --endpoint, the live node of a data directory (by its
// socket), or, if none runs, the database itself with the same API handlers in this process. The
// command cannot tell the difference.
//
// Blocks; one thread.
#pragma once

#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "app/api/services.hpp"
#include "app/cli/options.hpp"
#include "app/node/database_access.hpp"
#include "runtime/http/client.hpp"
#include "runtime/http/router.hpp"

namespace millrace::cli {

/// Whether a node answers there, within 2 s. resource_exhausted: this process has no descriptor to
/// ask with, so nothing is known.
result<bool> node_answers(const http::endpoint& at);

class client {
 public:
  static result<std::unique_ptr<client>> open(const global_options& options);

  /// How long a node may take for an answer: a submission of a large folder takes that long.
  static constexpr duration answer_patience = std::chrono::minutes{10};

  /// The body of a 2xx answer; else the error that the API gave, with its own code.
  result<std::string> get(const std::string& target, duration patience = answer_patience);
  /// True where a node of the cluster is in one of these states (those of GET /v1/nodes).
  result<bool> some_node_is(std::initializer_list<std::string_view> states,
                            duration patience = answer_patience);
  result<std::string> post(const std::string& target, const std::string& body);
  result<std::string> erase(const std::string& target);
  /// PUTs a file. Any thread, several at a time; only where live(). `stop` ends it: ec::cancelled.
  /// With `sha256`, its content's in hex, it is not sent where the node has it.
  result<std::string> put_file(const std::string& target, const std::string& path,
                               const std::atomic<bool>& stop, const std::string& sha256) const;
  /// Hands over the body piece by piece; memory does not grow with it.
  result<void> stream(const std::string& target, const http::chunk_sink& sink);
  /// True where a running node answers.
  bool live() const { return !endpoint_.url.empty(); }
  /// Looks whether a node runs on the data directory by now, and asks it from then on. Errors as
  /// those of node_answers().
  result<void> look_for_node();
  /// For a process that ends without the destructor: a database that nobody else uses is told to
  /// stop. Any thread; does not block.
  void leave_at_once();

 private:
  result<http::response> send(const http::request& request, duration patience);
  result<std::string> ask(const char* method, const std::string& target, const std::string& body,
                          duration patience = answer_patience);
  void serve_in_process();

  settings settings_;
  http::endpoint endpoint_;  ///< Empty: in process.
  database_access database_;
  std::unique_ptr<connection_pool> pool_;
  api_services services_;
  http::router router_;
};

}  // namespace millrace::cli
