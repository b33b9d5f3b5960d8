// A real database with submitted documents, for actors that run SQL.
#pragma once

#include <stdexcept>
#include <string>

#include "runtime/cluster/node_registry.hpp"
#include "runtime/datasets/submit.hpp"
#include "runtime/queue/queue.hpp"
#include "tests/support/test_database.hpp"

namespace millrace {

inline constexpr std::int64_t initial_grant = 1'000'000;
inline constexpr int cost_per_document = 10;

class engine_database : public test_database {
 public:
  std::shared_ptr<node_registry> registry =
      std::make_shared<node_registry>(pool(), node_registration{"node", "", {"all"}, 10, "test"});
  std::int64_t incarnation = registry->join().value();

  std::shared_ptr<queue> source(const queue_settings& s = {}) {
    return std::make_shared<queue>(pool(), s, holder{"node", incarnation});
  }

  /// The dataset's id.
  std::int64_t submit(int documents, const std::string& dataset = "letters", int dimensions = 4) {
    submit_order order;
    order.dataset = dataset;
    order.model = "scripted";
    order.dimensions = dimensions;
    order.options = "chunk=512/64";
    order.cost_per_document = cost_per_document;
    order.initial_grant = initial_grant;
    auto open = submission::begin(pool(), order).value();
    for (int i = 0; i < documents; ++i)
      if (auto added = open->add("file:///" + dataset + "/" + std::to_string(i) + ".txt", 10, "");
          !added)
        throw std::runtime_error{added.error().message};
    return open->finish().value().dataset_id;
  }

  std::int64_t number(const std::string& sql) const { return std::stoll(query(sql)); }
  std::int64_t leased() const { return number("select count(*) from queue_leases"); }
  std::int64_t ready() const { return number("select count(*) from queue_ready"); }
};

}  // namespace millrace
