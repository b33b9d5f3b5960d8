// A part of a test that runs in a forked process, to be killed or told to end. The function reports
// one byte when it is ready and then waits for its word; a child that dies is seen as the end of
// its pipe.
//
// Fork while the test has one thread only.
#pragma once

#include <array>
#include <cstdlib>
#include <utility>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace {

class forked_child {
 public:
  /// What the child has of its parent.
  class link {
   public:
    link(int in, int out) : in_{in}, out_{out} {}
    void report(char c) const {
      if (::write(out_, &c, 1) != 1) ::_exit(1);
    }
    /// Returns when the parent says finish().
    void wait() const {
      char c = 0;
      if (::read(in_, &c, 1) != 1) ::_exit(1);
    }

   private:
    int in_;
    int out_;
  };

  template <class F>
  explicit forked_child(F body) {
    std::array<int, 2> down{};
    std::array<int, 2> up{};
    if (::pipe(down.data()) != 0 || ::pipe(up.data()) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(down[1]);
      ::close(up[0]);
      body(link{down[0], up[1]});
      ::_exit(0);  // nothing of the parent's is destroyed here
    }
    ::close(down[0]);
    ::close(up[1]);
    down_ = down[1];
    up_ = up[0];
  }

  ~forked_child() {
    kill();
    ::close(down_);
    ::close(up_);
  }
  forked_child(const forked_child&) = delete;
  forked_child& operator=(const forked_child&) = delete;

  /// What the child reports next, 0 where it died instead.
  char report() const {
    char c = 0;
    return ::read(up_, &c, 1) == 1 ? c : '\0';
  }

  /// Lets the child go on and waits for its end; its exit status.
  int finish() {
    const char go = 'g';
    if (::write(down_, &go, 1) != 1) return -1;
    return reap();
  }

  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    reap();
  }

 private:
  int reap() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  }

  pid_t pid_ = -1;
  int down_ = -1;
  int up_ = -1;
};

}  // namespace millrace
