#include "runtime/cluster/local_certificates.hpp"

#include <cerrno>
#include <cstring>

#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/cluster/certificates.hpp"
#include "runtime/database/embedded/data_directory.hpp"
#include "runtime/database/embedded/embedded_server.hpp"
#include "runtime/database/file_lock.hpp"

namespace millrace {

namespace {

/// Making a CA and a certificate takes milliseconds.
constexpr std::chrono::seconds lock_limit{10};

tl::unexpected<error> unusable(const std::filesystem::path& folder, const std::string& why) {
  return fail(ec::permission_denied,
              "no certificates for the links between nodes can be kept in " + folder.native() +
                  ": " + why +
                  "; make it this user's own, or set cluster.tls.certificate, cluster.tls.key and "
                  "cluster.tls.ca (`millrace certs` makes them)");
}

result<void> make_private_folder(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder.parent_path(), problem);
  if (problem) return unusable(folder, problem.message());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return unusable(folder, std::strerror(errno));
  struct stat status {};
  if (::lstat(folder.c_str(), &status) != 0) return unusable(folder, std::strerror(errno));
  if (!S_ISDIR(status.st_mode)) return unusable(folder, "it is not a folder");
  if (status.st_uid != ::geteuid()) return unusable(folder, "it belongs to another user");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return unusable(folder, "others can enter it (chmod 700 " + folder.native() + ")");
  return {};
}

bool lasts(const std::filesystem::path& certificate) {
  const auto end = certificate_end(certificate.native());
  return end && *end - std::chrono::system_clock::now() > renewed_before;
}

/// Half a CA is what a process left behind that was killed while it made one: it has signed
/// nothing.
void remove_half_made(const std::filesystem::path& folder) {
  std::error_code ignored;
  const auto pem = folder / "ca.pem";
  const auto key = folder / "ca.key";
  if (std::filesystem::exists(pem, ignored) == std::filesystem::exists(key, ignored)) return;
  std::filesystem::remove(pem, ignored);
  std::filesystem::remove(key, ignored);
}

result<void> make_node_certificate(const certificate_authority& ca, const tls_settings& wanted,
                                   const std::string& node) {
  if (lasts(wanted.certificate) && load_tls_context(wanted, node)) return {};
  const auto made = ca.issue(node, certificate_authority::authority_days,
                             std::filesystem::path{wanted.certificate}.parent_path());
  if (!made) return tl::unexpected<error>(made.error());
  return {};
}

}  // namespace

std::filesystem::path local_certificates_folder(const std::filesystem::path& data_directory,
                                                const std::string& database_identity) {
  const auto base = data_directory.empty() ? default_data_directory() : data_directory;
  return std::filesystem::absolute(base) / "links" / database_identity;
}

result<tls_settings> local_certificates(const std::filesystem::path& folder,
                                        const std::string& cluster, const std::string& node) {
  if (auto made = make_private_folder(folder); !made) return tl::unexpected<error>(made.error());
  const auto nodes = folder / "nodes";
  if (auto made = make_private_folder(nodes); !made) return tl::unexpected<error>(made.error());
  auto lock = postgres::file_lock::open(folder / "lock");
  if (!lock) return tl::unexpected<error>(lock.error());
  if (!lock->exclusive_within(lock_limit))
    return unusable(folder, "another process has held its lock for 10 s");
  remove_half_made(folder);
  const auto ca = certificate_authority::open(folder, cluster);
  if (!ca) return tl::unexpected<error>(ca.error());
  if (ca->is_new())
    spdlog::info("made a CA for the links between the nodes of this machine, {}",
                 ca->file().native());
  else if (!lasts(ca->file()))
    if (auto renewed = ca->renew(); !renewed) return tl::unexpected<error>(renewed.error());
  const tls_settings made{(nodes / (node + ".pem")).native(), (nodes / (node + ".key")).native(),
                          ca->file().native()};
  if (auto fits = make_node_certificate(*ca, made, node); !fits)
    return tl::unexpected<error>(fits.error());
  return made;
}

}  // namespace millrace
