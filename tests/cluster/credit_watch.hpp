// What nodes say of their actors, held against what each may have at most: documents at work, and
// work in mailboxes. Whatever happens to other nodes meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/cluster/cluster_bed.hpp"

namespace millrace {

class credit_watch {
 public:
  explicit credit_watch(const cluster_bed& bed) : bed_{bed} {}

  /// Asks these nodes, which must be able to answer.
  void look(const std::vector<std::string>& names) {
    for (const auto& name : names) look_at(bed_.actors(name));
  }
  /// Asks them until it is so; false where `limit` passed before.
  bool until(const std::vector<std::string>& names, const std::function<bool()>& is_so,
             std::chrono::seconds limit = patience) {
    return eventually([&] { return look(names), is_so(); }, limit);
  }
  /// At the actors of one node or more.
  void look_at(const rapidjson::Document& actors);
  /// That there was something to see; and that the embedding server never saw more requests at a
  /// time than `nodes` may have documents, for each is one text. It goes on with those of a node
  /// that is killed, which may be back with others before they are answered: then it counts twice.
  void expect_busy(std::size_t nodes) const;
  /// Looks at which a node had a document in two actors. One of them may be in vain: its lease went
  /// to the other one while the node was stopped or cut off.
  std::size_t carried_twice() const { return carried_twice_; }
  std::uint64_t largest_mailbox(const std::string& role) const;

 private:
  const cluster_bed& bed_;
  std::size_t looks_ = 0;
  std::size_t carried_twice_ = 0;
  std::size_t most_documents_ = 0;              ///< Of a node, at one look.
  std::map<std::string, std::uint64_t> peaks_;  ///< Of mailboxes, by role.
};

}  // namespace millrace
