#include "app/cli/usage_error.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "config/nearest_name.hpp"

namespace millrace::cli {

namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string names_of(const std::vector<const CLI::App*>& commands) {
  std::string names;
  for (const auto* c : commands) names += (names.empty() ? "" : ", ") + c->get_name();
  return names;
}

/// The command that the words name, as far as they do.
const CLI::App& chosen(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : chosen(*parsed.front());
}

std::string path_of(const CLI::App& command) {
  const auto* above = command.get_parent();
  return above == nullptr ? command.get_name() : path_of(*above) + " " + command.get_name();
}

}  // namespace

std::string wrong_command(const CLI::App& app, int argc, const char* const* argv) {
  const auto* at = &app;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto commands = commands_of(*at);
    if (commands.empty() || word.starts_with('-')) return "";
    const auto found = std::find_if(commands.begin(), commands.end(),
                                    [&](const auto* c) { return c->get_name() == word; });
    if (found != commands.end()) {
      at = *found;
      continue;
    }
    std::vector<std::string> known;
    for (const auto* c : commands) known.push_back(c->get_name());
    const auto near = nearest_name(word, known);
    const auto before = at == &app ? std::string{} : at->get_name() + " ";
    return "there is no command `" + before + word + "`; " +
           (near ? "did you mean `" + before + *near + "`?" : "see " + path_of(*at) + " --help");
  }
  const auto missing = commands_of(*at);
  if (missing.empty() || at == &app) return "";
  return "`" + at->get_name() + "` needs one of: " + names_of(missing);
}

std::string wrong_arguments(const CLI::App& app, const CLI::ParseError& e, int argc,
                            const char* const* argv) {
  const auto& command = chosen(app);
  const auto see = "; see " + path_of(command) + " --help";
  if (dynamic_cast<const CLI::ExtrasError*>(&e) == nullptr) return e.what() + see;
  std::vector<std::string> known;
  for (const auto* option : command.get_options())
    for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  for (int i = 1; i < argc; ++i) {
    const std::string_view whole = argv[i];
    const std::string word{whole.substr(0, whole.find('='))};
    if (!word.starts_with("--") || std::find(known.begin(), known.end(), word) != known.end())
      continue;
    const auto near = nearest_name(word, known);
    return "there is no option `" + word + "`" + (near ? "; did you mean `" + *near + "`?" : "") +
           see;
  }
  return e.what() + see;
}

}  // namespace millrace::cli
