// `millrace certs`: a CA and certificates for the links between the nodes of a cluster.
#include "runtime/cluster/certificates.hpp"

#include <cstdio>

#include "app/cli/commands.hpp"
#include "config/text_forms.hpp"

namespace millrace::cli {

int certificates(const global_options& global, const std::string& directory,
                 std::vector<std::string> nodes, int days) {
  const auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  if (nodes.empty())
    for (const auto& n : loaded->node) nodes.push_back(n.name);
  if (nodes.empty())
    return report({ec::invalid_argument,
                   "name the nodes: `millrace certs DIR a b c`, or give --config with [[node]] "
                   "entries"});
  for (const auto& name : nodes)
    if (!is_name(name))
      return report(
          {ec::invalid_argument, "`" + name + "` is no name: letters, digits, '-', '_' and '.'"});
  const auto ca = certificate_authority::open(directory, loaded->cluster.name);
  if (!ca) return report(ca.error());
  const auto authority = (std::filesystem::path{directory} / "ca.pem").native();
  std::printf("%s %s\n", ca->is_new() ? "made " : "using", authority.c_str());
  for (const auto& name : nodes) {
    const auto made = ca->issue(name, days);
    if (!made) return report(made.error());
    std::printf("made  %s and its key, for %d days\n", made->certificate.c_str(), days);
  }
  std::fprintf(
      stderr,
      "millrace: keep ca.key off the nodes: it lets anybody in. Each node needs ca.pem and "
      "its own pair:\n\n[cluster]\ntls.ca = \"%s/ca.pem\"\ntls.certificate = "
      "\"%s/{node}.pem\"\ntls.key = \"%s/{node}.key\"\n",
      directory.c_str(), directory.c_str(), directory.c_str());
  return static_cast<int>(exit::ok);
}

}  // namespace millrace::cli
