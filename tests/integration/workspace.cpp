#include "tests/integration/workspace.hpp"

#include <csignal>
#include <sstream>
#include <stdexcept>

#include "runtime/http/json.hpp"

namespace millrace {

namespace {

pid_t server_pid(const std::filesystem::path& data) {
  return std::atoi(read_text(data / "postgres" / "postmaster.pid").c_str());
}

/// A process that has ended and is not yet reaped has no command line.
bool is_alive(pid_t pid) {
  return pid > 0 && !read_text("/proc/" + std::to_string(pid) + "/cmdline").empty();
}

}  // namespace

bool server_runs(const std::filesystem::path& data) {
  return is_alive(server_pid(data));
}

workspace::~workspace() {
  const auto pid = server_pid(data());
  if (!is_alive(pid)) return;
  ::kill(pid, SIGQUIT);
  if (eventually([pid] { return !is_alive(pid); }, std::chrono::seconds{10})) return;
  ::kill(pid, SIGKILL);
}

std::string workspace::add_document(const std::string& name, const std::string& text) const {
  const auto file = std::filesystem::path{documents()} / name;
  std::filesystem::create_directories(file.parent_path());
  write_text(file, text);
  return file.native();
}

void workspace::add_documents(int count) const {
  for (int i = 0; i < count; ++i)
    add_document("d" + std::to_string(i) + ".txt",
                 "Report " + std::to_string(i) + " about mills and canals.\n");
}

std::string workspace::add_config(const std::string& text) const {
  const auto file = path() / "millrace.toml";
  write_text(file, text);
  return file.native();
}

std::map<std::string, std::string> workspace::full_environment() const {
  auto variables = environment;
  variables.try_emplace("MILLRACE_DATA", data().native());
  variables.try_emplace("TEST_API_KEY", "key-of-the-integration-tests");
  return variables;
}

outcome workspace::run(const std::vector<std::string>& arguments, const std::string& input) const {
  std::vector<std::string> words{millrace_binary()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return program{words, full_environment(), input}.wait();
}

std::unique_ptr<program> workspace::start(const std::vector<std::string>& arguments) const {
  std::vector<std::string> words{millrace_binary()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return start_program(words);
}

std::unique_ptr<program> workspace::start_program(const std::vector<std::string>& argv) const {
  return std::make_unique<program>(argv, full_environment());
}

outcome workspace::shell(const std::string& command_line) const {
  auto variables = full_environment();
  const char* path = std::getenv("PATH");
  variables["PATH"] = std::filesystem::path{millrace_binary()}.parent_path().native() + ":" +
                      (path == nullptr ? "/usr/bin:/bin" : path);
  return program{{"/bin/sh", "-c", command_line}, variables}.wait();
}

rapidjson::Document workspace::json(std::vector<std::string> arguments) const {
  arguments.emplace_back("--json");
  const auto done = run(arguments);
  EXPECT_TRUE(done.exit_code == 0 || done.exit_code == 3) << done.exit_code << ": " << done.err;
  return parse_json(done.out);
}

std::string workspace::sql(const std::string& statement) const {
  const auto done = run({"db", "psql", "--", "-qAtc", statement});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  return done.out.substr(0, done.out.find('\n'));
}

std::string millrace_binary() {
  return MILLRACE_BINARY_DIR "/app/millrace";
}

rapidjson::Document parse_json(std::string_view text) {
  auto parsed = json::parse(text);
  if (!parsed) throw std::runtime_error{"not JSON: " + std::string{text}};
  return std::move(*parsed);
}

std::int64_t number_at(const rapidjson::Value& from, std::string_view path) {
  const auto* value = &from;
  std::istringstream names{std::string{path}};
  for (std::string name; std::getline(names, name, '.');) {
    if (!value->IsObject() || !value->HasMember(name.c_str())) {
      ADD_FAILURE() << "no " << path << " in " << json::to_text(from);
      return -1;
    }
    value = &(*value)[name.c_str()];
  }
  EXPECT_TRUE(value->IsInt64()) << path << " in " << json::to_text(from);
  return value->IsInt64() ? value->GetInt64() : -1;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string remote_config(const std::string& base_url, int concurrency, const std::string& embedder,
                          const std::string& rest) {
  return "[database]\nurl = \"embedded:\"\n[documents]\nconcurrency = " +
         std::to_string(concurrency) +
         "\n[embedder]\nprovider = \"openai\"\nmodel = \"test-model\"\ndimensions = 8\n"
         "max_inputs = 1\napi_key_env = \"TEST_API_KEY\"\nbase_url = \"" +
         base_url + "\"\n" + embedder +
         "\n[credits]\ninitial_grant = 10000000\n[api]\nlisten = \"\"\n" + rest;
}

}  // namespace millrace
