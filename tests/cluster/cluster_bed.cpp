#include "tests/cluster/cluster_bed.hpp"

#include <csignal>
#include <stdexcept>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace millrace {

namespace {

std::string hub_address(const bed_options& o) {
  return o.network != nullptr ? o.network->address(private_network::hub) : "127.0.0.1";
}

}  // namespace

bed_options with_tls(const std::filesystem::path& certs, bed_options o) {
  const auto at = certs.native();
  o.cluster = "name = \"test\"\ntls.ca = \"" + at + "/ca.pem\"\ntls.certificate = \"" + at +
              "/{node}.pem\"\ntls.key = \"" + at + "/{node}.key\"\n";
  return o;
}

cluster_bed::cluster_bed(bed_options o)
    : fault_bed{o.documents, o.latency, hub_address(o)}, options_{std::move(o)} {
  std::filesystem::create_directories(w.documents());
  open_database(options_.remote_database ? hub_address(options_) : "");
  write_config();
}

void cluster_bed::write_config() {
  std::string text = remote_config(server.base_url(), options_.concurrency);
  if (options_.network != nullptr || options_.by_url) {
    const std::string embedded = "embedded:";
    text.replace(text.find(embedded), embedded.size(), database_url());
  }
  text += "[cluster]\n" + options_.cluster +
          "[sources]\nshared = " + (options_.shared ? "true" : "false") + "\nallow = [\"file://" +
          w.documents() + "\"]\n" + options_.rest;
  for (const auto& name : options_.names) {
    ports[name] = free_port();
    const auto host = options_.network != nullptr ? options_.network->address(name) : "127.0.0.1";
    text += "[[node]]\nname = \"" + name + "\"\nhost = \"" + host +
            "\"\nport = " + std::to_string(ports[name]) + "\napi = \"127.0.0.1:0\"\n";
    if (const auto found = options_.roles.find(name); found != options_.roles.end())
      text += "roles = " + found->second + "\n";
  }
  config = w.add_config(text);
}

live_node& cluster_bed::start(const std::string& name, const std::vector<std::string>& more,
                              const std::vector<std::string>& before) {
  auto words =
      options_.network != nullptr ? options_.network->inside(name) : std::vector<std::string>{};
  words.insert(words.end(), before.begin(), before.end());
  words.insert(words.end(), {millrace_binary(), "node", "--config", config, "--name", name});
  words.insert(words.end(), more.begin(), more.end());
  nodes_[name] = std::make_unique<live_node>(w.start_program(words));
  return *nodes_[name];
}

rapidjson::Document cluster_bed::actors(const std::string& name) const {
  rapidjson::Document found;
  if (options_.network == nullptr) return node(name).json("/v1/actors");
  options_.network->run_at(name, [&] { found = node(name).json("/v1/actors"); });
  return found;
}

void cluster_bed::kill(const std::string& name) {
  nodes_.at(name)->process->signal(SIGKILL);
  nodes_.at(name)->process->wait();
  nodes_.erase(name);
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

bool cluster_bed::settled() const {
  constexpr int seconds = 6;
  return eventually([this] {
    return leader("reaper") != "" &&
           number(
               "select extract(epoch from clock_timestamp() - max(started_at))::int from "
               "nodes") > seconds;
  });
}

std::int64_t cluster_bed::leases_of(const std::string& name) const {
  return number("select count(*) from queue_leases where node = '" + name + "'");
}

std::size_t cluster_bed::documents_at_work(const std::string& name) const {
  std::size_t carried = 0;
  const auto all = actors(name);
  for (const auto& actor : all.GetArray())
    carried += actor["role"] == "document" && !actor["document"].IsNull();
  return carried;
}

void cluster_bed::submit(const std::string& at, const std::string& dataset) const {
  if (options_.network != nullptr) {  // its API listens where only it is
    auto words = options_.network->inside(at);
    for (const auto& word : {millrace_binary(), std::string{"submit"}, std::string{"--endpoint"},
                             node(at).url, std::string{"--dataset"}, dataset, w.documents()})
      words.push_back(word);
    const auto submitted = w.start_program(words)->wait();
    if (submitted.exit_code != 0) throw std::runtime_error{"not submitted: " + submitted.err};
    return;
  }
  const auto answered =
      node(at).post("/v1/datasets",
                    R"({"name":")" + dataset + R"(","uris":["file://)" + w.documents() + R"("]})");
  if (answered.status != 201) throw std::runtime_error{"not submitted: " + answered.body};
}

bool cluster_bed::is_ready(const std::string& dataset) const {
  return sql("select coalesce((select status from datasets where name = '" + dataset + "'), '')") ==
         "ready";
}

bool cluster_bed::ended(const std::string& dataset, std::chrono::seconds limit) const {
  return eventually([&] { return is_ready(dataset); }, limit);
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
  for (const auto& [name, n] : nodes_) {
    const auto ended = n->process->wait();
    EXPECT_EQ(ended.exit_code, 0) << name << ": " << ended.err;
  }
  nodes_.clear();
}

}  // namespace millrace
