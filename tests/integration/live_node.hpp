// A `millrace node` that runs in a corner, and its HTTP API.
#pragma once

#include <memory>
#include <string>

#include "tests/integration/workspace.hpp"

namespace millrace {

struct reply {
  int status = 0;  ///< 0: nobody answers.
  std::string body;
};

class live_node {
 public:
  /// Starts it on the corner's data and waits until it is ready, or says why it is not. Its config
  /// is NAME.toml of the corner: any port, the corner's documents, more keys of [database], and
  /// `rest`.
  live_node(const workspace& w, const std::string& name, const std::string& rest = {},
            const std::string& database = {});

  /// One that was started otherwise; waits until it is ready.
  explicit live_node(std::unique_ptr<program> started);

  reply get(const std::string& target) const { return send("GET", target, ""); }
  reply post(const std::string& target, const std::string& body) const {
    return send("POST", target, body);
  }
  reply put(const std::string& target, const std::string& body) const {
    return send("PUT", target, body);
  }
  /// Of an answer with status 200.
  rapidjson::Document json(const std::string& target) const;

  /// A value of /metrics, named with its labels as there; -1: there is none.
  double metric(const std::string& series) const;
  /// The most memory that its process ever had, in MiB.
  double peak_memory_mib() const;

  std::unique_ptr<program> process;
  std::string address;  ///< HOST:PORT
  std::string url;

 private:
  void wait_until_ready();
  reply send(const std::string& method, const std::string& target, const std::string& body) const;
};

}  // namespace millrace
