// to_error() of pool.hpp: which of our codes an exception of sql.hpp is, by SQLSTATE (PostgreSQL,
// appendix A).
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "runtime/database/pool.hpp"

namespace millrace {

namespace {

std::string_view first_line(std::string_view text) {
  while (!text.empty() && (text.front() == '\n' || text.front() == ' ')) text.remove_prefix(1);
  return text.substr(0, text.find('\n'));
}

/// The server quotes the offending value after a colon ("invalid input syntax for type integer:
/// "abc""): it is somebody's document and does not belong in logs.
std::string_view without_value(std::string_view line) {
  return line.substr(0, line.find(": \""));
}

error make(ec code, const char* while_doing, std::string_view what, std::string_view advice = {}) {
  std::string message = std::string{while_doing} + ": " + std::string{what};
  if (!advice.empty()) message += std::string{"; "} + std::string{advice};
  return {code, std::move(message)};
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The name in `violates check constraint "NAME"`.
std::string_view constraint_name(std::string_view line) {
  constexpr std::string_view mark = "constraint \"";
  const auto at = line.find(mark);
  if (at == std::string_view::npos) return {};
  const auto name = line.substr(at + mark.size());
  return name.substr(0, name.find('"'));
}

/// libpqxx speaks of what it was about to do ("Could not obtain client encoding: not connected").
std::string_view what_was_broken(std::string_view line) {
  return contains(line, "not connected") || contains(line, "Lost connection")
             ? "the connection to the database was lost; it may be starting again: try again"
             : line;
}

constexpr std::string_view free_space = "free some space on the database's disk";

error classify(std::string_view state, std::string_view line, const char* while_doing) {
  const auto is_class = [&](std::string_view prefix) { return state.starts_with(prefix); };
  if (state == "53100" || contains(line, "No space left on device"))
    return make(ec::disk_full, while_doing, line, free_space);
  if (state == "57014" || state == "55P03" || state == "25P03")
    return make(ec::database_timeout, while_doing, line);
  // 25006: a standby answers after a failover. 57P0x: shut down, crashed, starting.
  // 53: too many connections, out of memory, configuration limits. 55, 58: objects in use, errors
  // of the server's disk. XX001, XX002: corruption. 42501: rights that were taken away. All of them
  // hit whoever comes next as well.
  if (state.empty() || is_class("08") || is_class("53") || is_class("55") || is_class("57") ||
      is_class("58") || state == "XX001" || state == "XX002" || state == "42501" ||
      state == "25006")
    return make(ec::database_unavailable, while_doing, line);
  if (is_class("40")) return make(ec::database_conflict, while_doing, line, "try again");
  if (state == "23514" && contains(constraint_name(line), "balance"))
    return make(ec::insufficient_credits, while_doing, "the account's credits do not suffice",
                "grant credits, or submit fewer documents");
  // 54: a row or an index entry is too big.
  if (is_class("22") || is_class("54"))
    return make(ec::rejected_row, while_doing, without_value(line));
  if (is_class("23")) return make(ec::rejected_row, while_doing, line);
  if (state == "42P01" || state == "42703" || state == "42704")
    return make(ec::database_outdated, while_doing, line,
                "the schema may be older than this program: run `millrace db migrate`");
  return make(ec::database_error, while_doing, line);
}

}  // namespace

error to_error(const char* while_doing) {
  try {
    throw;
  } catch (const sql::in_doubt_error&) {
    return make(ec::database_unavailable, while_doing,
                "the connection was lost during COMMIT: it may have happened or not");
  } catch (const sql::statement_completion_unknown&) {
    return make(ec::database_unavailable, while_doing,
                "the connection was lost: the statement may have happened or not");
  } catch (const sql::too_many_connections& e) {
    return make(ec::database_unavailable, while_doing, first_line(e.what()),
                "raise max_connections of the server or lower database.pool_size");
  } catch (const sql::broken_connection& e) {
    return make(ec::database_unavailable, while_doing, what_was_broken(first_line(e.what())));
  } catch (const sql::transaction_rollback& e) {  // serialization failure, deadlock
    return make(ec::database_conflict, while_doing, first_line(e.what()), "try again");
  } catch (const sql::statement_error& e) {
    return classify(e.sqlstate(), first_line(e.what()), while_doing);
  } catch (const std::length_error& e) {  // more than one statement can carry
    return make(ec::rejected_row, while_doing, e.what());
  } catch (const std::bad_alloc&) {
    return make(ec::resource_exhausted, while_doing, "out of memory");
  } catch (const std::exception& e) {
    return make(ec::internal, while_doing, first_line(e.what()));
  } catch (...) {
    return make(ec::internal, while_doing, "an unknown exception");
  }
}

}  // namespace millrace
