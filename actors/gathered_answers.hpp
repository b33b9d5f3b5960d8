// One question to several nodes: their answers, until every one of them has given one or is lost.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "actors/messages.hpp"

namespace millrace {

class gathered_answers {
 public:
  explicit gathered_answers(caf::typed_response_promise<nodes_answered> promise)
      : promise_{std::move(promise)} {}

  /// Of a node that is not asked.
  void note(node_answer a) { answers_.answers.push_back(std::move(a)); }
  /// Before the first answer.
  void wait_for(const std::string& node) { open_.insert(node); }
  /// No-op where nothing is expected of `node`, which was lost before, perhaps. The last one
  /// answers the question.
  void add(const std::string& node, node_answer a) {
    if (open_.erase(node) == 0) return;
    note(std::move(a));
    if (complete()) promise_.deliver(std::move(answers_));
  }
  void lost(const std::string& node) {
    add(node, {node, "the link with it was lost before it answered", ec::timeout});
  }
  bool complete() const { return open_.empty(); }

 private:
  caf::typed_response_promise<nodes_answered> promise_;
  nodes_answered answers_;
  std::set<std::string> open_;
};

}  // namespace millrace
