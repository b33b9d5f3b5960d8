// Hosts with network namespaces of their own, joined by a bridge in one that only this thread and
// what it starts are in. Nothing of it is seen outside, and it ends with the object.
//
// For GoogleTest's main thread; needs root and `ip`.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

#include "runtime/core/unique_fd.hpp"

namespace millrace {

class private_network {
 public:
  /// Where this thread is; a host like the others, but for inside() and run_at().
  static constexpr const char* hub = "hub";

  explicit private_network(const std::vector<std::string>& hosts);
  ~private_network();
  private_network(const private_network&) = delete;
  private_network& operator=(const private_network&) = delete;

  std::string address(const std::string& host) const;
  /// Words before a command that is to run there.
  std::vector<std::string> inside(const std::string& host) const;
  /// On a thread that is there.
  void run_at(const std::string& name, const std::function<void()>& act) const;
  /// What `from` sends to `to` vanishes on the way; the other direction is as it was.
  void cut(const std::string& from, const std::string& to);
  void mend(const std::string& from, const std::string& to);

 private:
  struct host {
    int number = 0;
    pid_t keeper = 0;  ///< A process that does nothing, in its namespace.
  };
  std::string space(const std::string& name) const;  ///< As a file.
  std::string entering(const std::string& name) const;

  unique_fd outside_;
  std::map<std::string, host> hosts_;
};

}  // namespace millrace
