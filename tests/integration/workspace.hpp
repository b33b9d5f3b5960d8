// A user's corner of the machine: a data directory, documents and config files in a temporary
// folder, and the millrace binary to use on them. Whatever was left running there is ended when it
// goes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include "tests/integration/program.hpp"

namespace millrace {

class workspace {
 public:
  workspace() = default;
  ~workspace();

  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path data() const { return path() / "data"; }
  std::string documents() const { return (path() / "documents").native(); }

  /// Writes a file of documents/; its path.
  std::string add_document(const std::string& name, const std::string& text) const;
  /// So many small text files with different words.
  void add_documents(int count) const;
  /// Writes a config file; its path.
  std::string add_config(const std::string& text) const;

  /// `millrace ARGUMENTS...` in this corner, to its end.
  outcome run(const std::vector<std::string>& arguments, const std::string& input = {}) const;
  std::unique_ptr<program> start(const std::vector<std::string>& arguments) const;
  /// Any program with this corner's environment.
  std::unique_ptr<program> start_program(const std::vector<std::string>& argv) const;
  /// A shell's command line, where `millrace` is the binary under test.
  outcome shell(const std::string& command_line) const;
  /// The JSON that a command prints; throws where it prints anything else.
  rapidjson::Document json(std::vector<std::string> arguments) const;
  /// One value, from psql.
  std::string sql(const std::string& statement) const;

  std::map<std::string, std::string> environment;

 private:
  std::map<std::string, std::string> full_environment() const;

  temporary_directory folder_;
};

std::string millrace_binary();
/// Throws where it is not JSON, which ends the test.
rapidjson::Document parse_json(std::string_view text);
/// A number at "a.b.c".
std::int64_t number_at(const rapidjson::Value& from, std::string_view path);
std::vector<std::string> lines_of(const std::string& text);
/// True while a PostgreSQL runs on this data directory.
bool server_runs(const std::filesystem::path& data);

/// The config of a run that embeds at `base_url`, `concurrency` documents at a time, one chunk a
/// request. `embedder`: more keys of [embedder].
std::string remote_config(const std::string& base_url, int concurrency,
                          const std::string& embedder = {}, const std::string& rest = {});

}  // namespace millrace
