#include "tests/faults/fault_bed.hpp"

#include <csignal>
#include <cstdlib>
#include <fstream>

#include <sys/mount.h>

namespace millrace {

namespace {

fake_embedding_config with_latency(std::chrono::milliseconds latency, const std::string& address) {
  fake_embedding_config config;
  config.address = address;
  config.latency = latency;
  return config;
}

// What is there, in one line of numbers each.
constexpr auto documents_sql =
    "select count(*) filter (where status = 'ready'), count(*) filter (where status = 'failed'), "
    "count(*) filter (where status not in ('ready', 'failed')) from documents";
constexpr auto queues_sql =
    "select (select count(*) from queue_ready), (select count(*) from queue_leases), "
    "(select count(*) from queue_dead), (select count(*) from checkpoints)";
constexpr auto dataset_sql = "select status, ready, failed, total from datasets";
constexpr auto progress_sql = "select sum(ready), sum(failed), sum(chunks) from dataset_progress";
constexpr auto wrong_chunks_sql =
    "select count(*) from documents d where d.chunks <> (select count(*) from chunks c where "
    "c.document_id = d.id) or (d.status = 'ready') <> (d.chunks > 0)";
constexpr auto repeated_chunks_sql =
    "select count(*) - count(distinct (document_id, ordinal)) from chunks";
constexpr auto wrong_balances_sql =
    "select count(*) from credit_accounts a where balance <> (select coalesce(sum(amount), 0) from "
    "credit_transactions t where t.account_id = a.id)";
constexpr auto movements_sql =
    "select count(*) filter (where type = 'batch_deduction'), coalesce(sum(amount) filter (where "
    "type = 'batch_deduction'), 0), coalesce(sum(amount) filter (where type = 'refund'), 0) from "
    "credit_transactions";

template <class... Parts>
std::string line(const Parts&... parts) {
  std::ostringstream out;
  ((out << parts << '|'), ...);
  return out.str();
}

}  // namespace

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : std::strtoull(value, nullptr, 10);
}

fault_bed::fault_bed(int documents, std::chrono::milliseconds latency,
                     const std::string& server_address)
    : server{with_latency(latency, server_address)} {
  w.add_documents(documents);
}

fault_bed::~fault_bed() {
  close_database();
  if (!mounted_) return;
  if (const auto pid = postmaster(); pid > 0) ::kill(pid, SIGQUIT);
  EXPECT_TRUE(eventually([this] { return postmaster() == 0; }));
  EXPECT_EQ(::umount2(w.data().c_str(), MNT_DETACH), 0);
}

bool fault_bed::mount_small_disk(const std::string& size) {
  std::filesystem::create_directories(w.data());
  mounted_ = ::mount("tmpfs", w.data().c_str(), "tmpfs", 0, ("mode=755,size=" + size).c_str()) == 0;
  return mounted_;
}

void fault_bed::configure(int concurrency, const std::string& rest) {
  config = w.add_config(remote_config(server.base_url(), concurrency, "", rest));
}

std::unique_ptr<program> fault_bed::start_run() const {
  return w.start({"run", "--dataset", "d", "--config", config, w.documents()});
}

bool fault_bed::works(program& node, std::uint64_t n) const {
  const auto goal = requests() + n;
  return eventually([&] { return requests() >= goal || !node.running(); }) && requests() >= goal;
}

void fault_bed::open_database(const std::string& tcp_address) {
  auto opened = embedded_server::open({.directory = w.data(), .listen_addresses = tcp_address});
  if (!opened) throw std::runtime_error{"no database: " + opened.error().message};
  database_ = std::move(*opened);
  tcp_address_ = tcp_address;
  if (tcp_address.empty()) return;
  std::ofstream{w.data() / "postgres" / "pg_hba.conf", std::ios::app} << "host all all all trust\n";
  sql("select pg_reload_conf()");
}

std::string fault_bed::database_url() const {
  sql::connection open{database_->connection_string()};
  if (!tcp_address_.empty())
    return std::string{"postgresql://"} + open.username() + "@" + tcp_address_ + "/" +
           open.dbname();
  return std::string{"postgresql://"} + open.username() + "@/" + open.dbname() +
         "?host=" + open.hostname() + "&port=" + open.port();
}

pid_t fault_bed::postmaster() const {
  return server_runs(w.data())
             ? std::atoi(read_text(w.data() / "postgres" / "postmaster.pid").c_str())
             : 0;
}

std::string fault_bed::sql(const std::string& statement) const {
  const std::lock_guard lock{watching_};
  const auto ask = [&] {
    if (!watcher_)
      watcher_ = std::make_unique<sql::connection>(database_->connection_string() +
                                                   " application_name=fault_test");
    return sql::nontransaction{*watcher_}.exec(statement).one_row();
  };
  const bool may_be_old = watcher_ != nullptr;
  sql::row row;
  try {
    row = ask();
  } catch (const sql::failure&) {
    watcher_.reset();  // its server was stopped or killed, perhaps, and another one runs now
    if (!may_be_old) throw;
    row = ask();
  }
  std::string values;
  for (const auto& field : row) {
    if (row.size() == 1) return field.is_null() ? "" : field.c_str();
    values += std::string{field.is_null() ? "" : field.c_str()} + "|";
  }
  return values;
}

void fault_bed::expect_end(const expected_end& e) const {
  EXPECT_EQ(sql(documents_sql), line(e.ready, e.failed, 0)) << "ready, failed, neither";
  EXPECT_EQ(sql(queues_sql), line(0, 0, e.dead_letters, 0))
      << "ready rows, leases, dead letters, checkpoints";
  const auto total = e.ready + e.failed;
  EXPECT_EQ(sql(dataset_sql), line("ready", e.ready, e.failed, total));
  EXPECT_EQ(sql(progress_sql), line(e.ready, e.failed, number("select count(*) from chunks")));
  EXPECT_EQ(sql(wrong_chunks_sql), "0");
  EXPECT_EQ(sql(repeated_chunks_sql), "0");
  EXPECT_EQ(sql(wrong_balances_sql), "0");
  EXPECT_EQ(sql(movements_sql), line(1, -total * cost, e.failed * cost))
      << "deductions, credits deducted, credits refunded";
}

}  // namespace millrace
