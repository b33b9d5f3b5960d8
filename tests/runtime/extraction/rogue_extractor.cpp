// An extractor that misbehaves as the first word of a document tells it to; any other document
// becomes one paragraph. It is in the real one's sandbox. The name that it is started by may tell
// it to misbehave at once, or to stay outside the sandbox.
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/extractor/sandbox.hpp"
#include "app/extractor/serve.hpp"
#include "runtime/extraction/protocol.hpp"
#include "tests/runtime/extraction/rogue_attempts.hpp"

namespace {

using namespace millrace;
using extraction::parse_order;

std::string program_name;

[[noreturn]] void spin() {
  volatile bool forever = true;
  while (forever) {
  }
  std::abort();
}

void pause(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds{milliseconds});
}

/// Writes to every page, and not too fast for a watcher of resident memory.
void eat(int mebibytes) {
  std::vector<std::vector<char>> eaten;
  for (int i = 0; i < mebibytes; i += 16) {
    eaten.emplace_back(std::size_t{16} << 20, 'x');
    pause(5);
  }
}

/// What some libraries do: an allocation fails, and they go on with nothing.
void ignore_failed_allocation(std::size_t bytes) {
  void* volatile block = std::malloc(bytes);
  std::free(block);
}
void ignore_failed_mapping(std::size_t bytes) {
  void* block = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block != MAP_FAILED) ::munmap(block, bytes);
}

void say(const std::string& bytes) {
  (void)!::send(extraction::extractor_socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

/// Says the first page of each document again and again.
[[noreturn]] void repeat_progress() {
  std::string bytes;
  for (std::uint64_t number = 1; number <= 64; ++number) {
    bytes.clear();
    extraction::append_progress(bytes, {1, 1});
    say(bytes);
  }
  for (;;) {
    say(bytes);
    pause(10);
  }
}

/// Leaves a child behind that holds the socket.
[[noreturn]] void fork_and_die() {
  if (::fork() == 0) spin();
  ::_exit(1);
}

std::string describe_this_process() {
  std::ostringstream out;
  for (char** entry = environ; *entry != nullptr; ++entry) out << "environment " << *entry << '\n';
  for (int fd = 0; fd < 256; ++fd)
    if (::fcntl(fd, F_GETFD) >= 0) out << "descriptor " << fd << '\n';
  rlimit core{};
  ::getrlimit(RLIMIT_CORE, &core);
  rlimit cpu{};
  ::getrlimit(RLIMIT_CPU, &cpu);
  out << "core limit " << core.rlim_cur << '\n';
  out << "cpu limit " << (cpu.rlim_cur == RLIM_INFINITY ? "none" : "set") << '\n';
  out << "no new privileges " << ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) << '\n';
  out << "own group " << (::getpgrp() == ::getpid()) << '\n';
  return out.str();
}

result<extracted_document> paragraph(std::string text) {
  extracted_document d;
  d.mime = "text/plain";
  d.elements.push_back({element_kind::paragraph, 0, 0, std::move(text), {}});
  return d;
}

/// "attempt WHAT [PATH]"
std::string attempt_of(const std::string& order) {
  std::istringstream words{order};
  std::string what;
  std::string path;
  words >> what >> what >> path;
  return extraction::attempt(what, path);
}

/// As many pages as were asked for beyond those that are known, a paragraph each; a signal kills
/// the process behind them.
result<extracted_document> pages(const parse_order& o, int count, int signal) {
  extracted_document d;
  d.mime = "text/plain";
  d.skipped_pages = o.known_pages;
  d.pages = static_cast<std::uint32_t>(count);
  for (auto page = o.known_pages + 1; page <= d.pages; ++page) {
    pause(200);
    d.elements.push_back({element_kind::paragraph, 0, page, "page " + std::to_string(page), {}});
    o.page_done({page, o.known_pages, d.elements});
  }
  if (signal != 0) ::raise(signal);
  return d;
}

/// As many pages as were asked for, without a pause, and no end of the next one.
result<extracted_document> hang_behind_pages(const parse_order& o, int count) {
  extracted_document d;
  for (auto page = o.known_pages + 1; page <= static_cast<std::uint32_t>(count); ++page) {
    d.elements.push_back({element_kind::paragraph, 0, page, "page " + std::to_string(page), {}});
    o.page_done({page, o.known_pages, d.elements, "test/pages", 9, "A title"});
  }
  spin();
}

/// A document without pages that takes `milliseconds`; each 100 ms `step` bytes of it are worked
/// through.
result<extracted_document> work(const parse_order& o, int milliseconds, std::uint64_t step) {
  std::uint64_t done = 0;
  for (int passed = 0; passed < milliseconds; passed += 100) {
    pause(100);
    o.worked(done += step);
  }
  return paragraph("worked");
}

/// True once for all processes of this name; outside of the sandbox.
bool is_first_time() {
  return ::mkdir((program_name + ".once").c_str(), 0700) == 0;
}

/// An image is as the word in its source says.
result<std::string> read_image(std::string_view, const extraction::image_request& r) {
  if (r.source == "segfault") ::raise(SIGSEGV);
  if (r.source == "broken") return fail(ec::malformed_document, "no image");
  return "text of " + r.source + " in " + r.languages;
}

result<extracted_document> parse(const parse_order& o) {
  const auto bytes = o.bytes;
  std::istringstream words{std::string{bytes.substr(0, 256)}};
  std::string order;
  int number = 0;
  words >> order >> number;
  if (order == "attempt") return paragraph(attempt_of(words.str()));
  if (order == "spin") spin();
  if (order == "segfault") ::raise(SIGSEGV);
  if (order == "abort") std::abort();
  if (order == "exit") ::_exit(number);
  if (order == "garbage") say(std::string(100'000, '\xFF'));
  if (order == "stranger") {  // an answer for a document that nobody sent
    std::string bytes_of_failure;
    extraction::append_failure(bytes_of_failure, {999'999, {ec::malformed_document, "not mine"}});
    say(bytes_of_failure);
  }
  if (order == "eat") eat(number);
  if (order == "allocate") ignore_failed_allocation(static_cast<std::size_t>(number) << 20);
  if (order == "map") ignore_failed_mapping(static_cast<std::size_t>(number) << 20);
  if (order == "throw") throw std::runtime_error{"thrown on purpose"};
  if (order == "repeat") repeat_progress();
  if (order == "orphan") fork_and_die();
  if (order == "hang_up") {
    ::shutdown(extraction::extractor_socket, SHUT_RDWR);
    spin();
  }
  if (order == "sleep") pause(number);
  if (order == "pages") return pages(o, number, 0);
  if (order == "die_behind_pages") return pages(o, number, SIGSEGV);
  if (order == "kill_behind_pages") return pages(o, number, SIGKILL);
  if (order == "terminate_behind_pages") return pages(o, number, SIGTERM);
  if (order == "hang_behind_pages") return hang_behind_pages(o, number);
  if (order == "work") return work(o, number, extraction::least_work_bytes);
  if (order == "crawl") return work(o, number, 1);
  if (order == "idle") return work(o, number, 0);
  if (order == "segfault_once" && is_first_time()) ::raise(SIGSEGV);
  if (order == "kill_once" && is_first_time()) ::raise(SIGKILL);
  if (order == "images") return paragraph(o.images ? "looked for" : "not looked for");
  if (order == "redirect") {
    std::string bytes_of_redirect;
    extraction::append_redirect(bytes_of_redirect,
                                {static_cast<std::uint64_t>(number), "test/other"});
    say(bytes_of_redirect);
    pause(10'000);
  }
  if (order == "encrypted") return fail(ec::encrypted_document, "it has a password");
  if (order == "describe") return paragraph(describe_this_process());
  if (order == "long") return paragraph(std::string(static_cast<std::size_t>(number), 'l'));
  if (order == "pid") return paragraph(std::to_string(::getpid()));
  return paragraph(std::string{bytes});
}

/// As on a kernel that has none.
void hide_landlock() {
  auto* filter = seccomp_init(SCMP_ACT_ALLOW);
  seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0);
  seccomp_load(filter);
  seccomp_release(filter);
}

}  // namespace

int main(int, char** arguments) {
  const std::string name = arguments[0];
  program_name = name;
  if (name.ends_with("dies_at_once")) return 3;
  extraction::channel node{unique_fd{extraction::extractor_socket}};
  if (name.ends_with("of_another_version")) {
    std::string greeting;
    extraction::append_hello(greeting, extraction::protocol_version + 1);
    say(greeting);
  }
  if (name.ends_with("dies_once") && ::mkdir((name + ".died").c_str(), 0700) == 0) {
    std::string greeting;
    extraction::append_hello(greeting);
    say(greeting);
    return 0;
  }
  if (name.ends_with("without_landlock") || name.ends_with("best_effort")) hide_landlock();
  const auto policy = name.ends_with("best_effort") ? extraction::without_landlock::go_on
                                                    : extraction::without_landlock::refuse;
  if (!name.ends_with("outside"))
    if (const auto entered = extraction::enter_sandbox(policy); !entered) return entered.error();
  return extraction::serve(node, {parse, read_image});
}
