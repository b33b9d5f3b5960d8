#include "tests/integration/live_node.hpp"

#include <cstdlib>

#include "runtime/http/client.hpp"

namespace millrace {

namespace {

constexpr std::chrono::seconds request_timeout{30};

}  // namespace

live_node::live_node(const workspace& w, const std::string& name, const std::string& rest,
                     const std::string& database) {
  const auto config = w.path() / (name + ".toml");
  write_text(config, "[database]\nurl = \"embedded:\"\n" + database +
                         "[sources]\nallow = [\"file://" + w.documents() +
                         "\"]\n[api]\nlisten = \"127.0.0.1:0\"\n[[node]]\nname = \"" + name +
                         "\"\nhost = \"127.0.0.1\"\nport = 0\nroles = [\"all\"]\n" + rest);
  process = w.start({"node", "--config", config.native()});
  wait_until_ready();
}

live_node::live_node(std::unique_ptr<program> started) : process{std::move(started)} {
  wait_until_ready();
}

void live_node::wait_until_ready() {
  EXPECT_TRUE(process->says("; API at ")) << process->err();
  const auto said = process->err();
  const auto at = said.find("127.0.0.1:", said.find("API at "));
  if (at != std::string::npos) address = said.substr(at, said.find('\n', at) - at);
  url = "http://" + address;
}

rapidjson::Document live_node::json(const std::string& target) const {
  const auto r = get(target);
  EXPECT_EQ(r.status, 200) << r.body;
  return parse_json(r.body);
}

double live_node::metric(const std::string& series) const {
  const auto metrics = get("/metrics").body;
  const auto at = metrics.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::atof(metrics.c_str() + at + series.size() + 2);
}

double live_node::peak_memory_mib() const {
  const auto status = read_text("/proc/" + std::to_string(process->pid()) + "/status");
  const std::string key = "VmHWM:";
  const auto at = status.find(key);
  return at == std::string::npos ? -1 : std::atof(status.c_str() + at + key.size()) / 1024;
}

reply live_node::send(const std::string& method, const std::string& target,
                      const std::string& body) const {
  http::request r;
  r.method = method;
  r.body = body;
  http::parse_target(target, r);
  const auto answered = http::send({url, ""}, r, request_timeout);
  return answered ? reply{answered->status, answered->body} : reply{};
}

}  // namespace millrace
