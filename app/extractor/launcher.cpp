#include "app/extractor/launcher.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>

#include <pwd.h>
#include <unistd.h>

#include "app/extractor/sandbox.hpp"
#include "runtime/extraction/exit_codes.hpp"

namespace millrace::extraction {

namespace {

namespace fs = std::filesystem;

/// Where commands without a slash are looked for; the programs they start get it as PATH.
constexpr std::array places{"/usr/local/bin", "/usr/bin", "/bin"};

fs::path find_command(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (const auto* place : places)
    if (const auto path = fs::path{place} / name; ::access(path.c_str(), X_OK) == 0) return path;
  return name;
}

bool is_home(const fs::path& folder) {
  const auto* user = ::getpwuid(::getuid());
  std::error_code ignored;
  return user != nullptr && fs::equivalent(folder, user->pw_dir, ignored);
}

/// "/" and the folders right below hold everybody's things.
bool is_a_parsers_own(const fs::path& folder) {
  return std::distance(folder.begin(), folder.end()) > 2 && !is_home(folder);
}

/// Ends at once: the sandbox refuses what sanitizers do at a regular end, and they would change the
/// exit code.
[[noreturn]] void give_up(const std::string& command, int reason) {
  std::fprintf(stderr, "millrace-extractor: %s cannot be executed: %s\n", command.c_str(),
               std::strerror(reason));
  std::_Exit(reason == ENOENT ? not_found_exit_code : not_executable_exit_code);
}

}  // namespace

std::vector<std::string> folders_of(std::span<const std::string> words) {
  std::vector<std::string> folders;
  for (const auto& word : words) {
    std::error_code failed;
    const auto path = fs::canonical(word, failed);
    if (failed || !fs::is_regular_file(path, failed)) continue;
    const auto folder = path.parent_path();
    folders.push_back(is_a_parsers_own(folder) ? folder.string() : path.string());
  }
  return folders;
}

int run_in_sandbox(std::span<char* const> command) {
  if (command.empty()) {
    std::fputs("usage: millrace-extractor --sandbox -- COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  std::vector<std::string> words(command.begin(), command.end());
  words.front() = find_command(words.front()).string();
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = "PATH=/usr/local/bin:/usr/bin:/bin";
  std::string locale = "LC_ALL=C.UTF-8";
  const std::array<char*, 3> environment{path.data(), locale.data(), nullptr};

  if (const auto entered = enter_program_sandbox(folders_of(words)); !entered)
    return entered.error();
  ::execve(arguments.front(), arguments.data(), environment.data());
  give_up(words.front(), errno);
}

}  // namespace millrace::extraction
