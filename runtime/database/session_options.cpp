#include "runtime/database/session_options.hpp"

#include <chrono>
#include <map>
#include <memory>

#include <libpq-fe.h>

namespace millrace {

namespace {

/// Where our terminal-less sessions take these from is the user's connection string or nothing:
/// libpq fills in defaults of its own (environment, service files) when it connects.
using keywords = std::map<std::string, std::string>;

struct free_options {
  void operator()(PQconninfoOption* options) const { ::PQconninfoFree(options); }
};

result<keywords> parse(const std::string& connection_string) {
  char* complaint = nullptr;
  const auto options = std::unique_ptr<PQconninfoOption, free_options>{
      ::PQconninfoParse(connection_string.c_str(), &complaint)};
  ::PQfreemem(complaint);
  if (!options)
    return fail(ec::invalid_config,
                "database.url is not a connection string of PostgreSQL; write it as "
                "postgresql://USER@HOST:PORT/DATABASE, special characters percent-encoded");
  keywords found;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr) found[option->keyword] = option->val;
  return found;
}

/// libpq's keyword form: value in quotes, quotes and backslashes escaped.
std::string compose(const keywords& options) {
  std::string composed;
  for (const auto& [keyword, value] : options) {
    composed += keyword + "='";
    for (const auto character : value) {
      if (character == '\'' || character == '\\') composed += '\\';
      composed += character;
    }
    composed += "' ";
  }
  return composed;
}

std::string milliseconds(duration d) {
  return std::to_string(d.count());
}

std::string seconds(duration d) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(d).count());
}

/// Settings of the server for this session, as its command line takes them.
std::string server_options(const database_settings& s) {
  return "-c statement_timeout=" + milliseconds(s.statement_timeout) +
         " -c lock_timeout=" + milliseconds(s.lock_timeout) +
         " -c idle_in_transaction_session_timeout=" + milliseconds(idle_in_transaction_timeout) +
         " -c plan_cache_mode=force_generic_plan -c client_min_messages=warning";
}

}  // namespace

result<std::string> session_connection_string(const std::string& connection_string,
                                              const database_settings& s,
                                              const std::string& application_name) {
  return parse(connection_string).map([&](keywords options) {
    // The last of two equal settings counts, so the user's follow ours.
    const auto own = options["options"];
    options["options"] = server_options(s) + (own.empty() ? "" : " " + own);
    options["client_encoding"] = "UTF8";
    // emplace keeps what the user has set.
    options.emplace("application_name", application_name);
    options.emplace("connect_timeout", seconds(s.connect_timeout));
    options.emplace("keepalives", "1");
    options.emplace("keepalives_idle", seconds(s.keepalives_idle));
    options.emplace("keepalives_interval", seconds(s.keepalives_interval));
    options.emplace("keepalives_count", std::to_string(s.keepalives_count));
    // Sent data that stay unacknowledged for as long as a connect may take: the peer is gone.
    options.emplace("tcp_user_timeout", milliseconds(s.connect_timeout));
    return compose(options);
  });
}

}  // namespace millrace
