// How a parser gives up in the middle of nested calls: it throws a parse_failure, and
// parse_document turns that into a result. Nothing outside runtime/parsers sees it.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "runtime/core/error.hpp"

namespace millrace::parsers {

class parse_failure : public std::exception {
 public:
  parse_failure(ec code, std::string message) : error_{code, std::move(message)} {}
  const char* what() const noexcept override { return error_.message.c_str(); }
  const error& reason() const noexcept { return error_; }

 private:
  error error_;
};

}  // namespace millrace::parsers
