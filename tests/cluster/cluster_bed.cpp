#include "tests/cluster/cluster_bed.hpp"

#include <csignal>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace millrace {

cluster_bed::cluster_bed(bed_options o)
    : fault_bed{o.documents, o.latency}, options_{std::move(o)} {
  std::filesystem::create_directories(w.documents());
  std::string text = remote_config(server.base_url(), options_.concurrency);
  text += "[cluster]\n" + options_.cluster +
          "[sources]\nshared = " + (options_.shared ? "true" : "false") + "\nallow = [\"file://" +
          w.documents() + "\"]\n" + options_.rest;
  for (const auto& name : options_.names) {
    ports[name] = free_port();
    text += "[[node]]\nname = \"" + name +
            "\"\nhost = \"127.0.0.1\"\nport = " + std::to_string(ports[name]) +
            "\napi = \"127.0.0.1:0\"\n";
  }
  config = w.add_config(text);
  open_database();
}

int cluster_bed::free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

live_node& cluster_bed::start(const std::string& name, const std::vector<std::string>& more,
                              const std::vector<std::string>& before) {
  auto words = before;
  words.insert(words.end(), {millrace_binary(), "node", "--config", config, "--name", name});
  words.insert(words.end(), more.begin(), more.end());
  nodes_[name] = std::make_unique<live_node>(w.start_program(words));
  return *nodes_[name];
}

void cluster_bed::start_all() {
  for (const auto& name : options_.names) start(name);
}

outcome cluster_bed::refused(const std::vector<std::string>& words) const {
  std::vector<std::string> all{"node", "--config", config};
  all.insert(all.end(), words.begin(), words.end());
  return w.run(all);
}

bool cluster_bed::linked(const std::vector<std::string>& names) const {
  return eventually([&] {
    for (const auto& name : names)
      for (const auto& other : names)
        if (name != other &&
            node(name).process->err().find("linked with node " + other) == std::string::npos)
          return false;
    return true;
  });
}

void cluster_bed::submit(const std::string& at, const std::string& dataset) const {
  const auto answered =
      node(at).post("/v1/datasets",
                    R"({"name":")" + dataset + R"(","uris":["file://)" + w.documents() + R"("]})");
  ASSERT_EQ(answered.status, 201) << answered.body;
}

bool cluster_bed::ended(const std::string& dataset, std::chrono::seconds limit) const {
  return eventually(
      [&] {
        return sql("select coalesce((select status from datasets where name = '" + dataset +
                   "'), '')") == "ready";
      },
      limit);
}

std::int64_t cluster_bed::done_by(const std::string& name) const {
  return number("select coalesce(sum(ready + failed), 0) from dataset_progress where node = '" +
                name + "'");
}

std::string cluster_bed::leader(const std::string& role) const {
  return sql("select coalesce((select node from leaders where role = '" + role + "'), '')");
}

void cluster_bed::stop_all() {
  for (const auto& [name, n] : nodes_) n->process->signal(SIGTERM);
  for (const auto& [name, n] : nodes_) n->process->wait();
  nodes_.clear();
}

}  // namespace millrace
