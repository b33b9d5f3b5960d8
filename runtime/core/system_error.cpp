#include "runtime/core/system_error.hpp"

#include <cerrno>
#include <system_error>

namespace millrace {

bool is_exhaustion(int number) {
  return number == EMFILE || number == ENFILE || number == ENOMEM || number == ENOBUFS ||
         number == EAGAIN;
}

error system_error(int number, const std::string& what, ec otherwise) {
  auto message = what + ": " + std::generic_category().message(number);
  if (number == EMFILE || number == ENFILE)
    return {ec::resource_exhausted, message + "; raise the limit of open files (ulimit -n)"};
  if (is_exhaustion(number))
    return {ec::resource_exhausted, message + "; the machine has no memory or processes left"};
  if (number == ENOSPC || number == EDQUOT) return {ec::disk_full, message + "; free some space"};
  return {otherwise, std::move(message)};
}

}  // namespace millrace
