#include "app/extractor/memory_guard.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/extraction/protocol.hpp"

namespace millrace::extraction {

void end_out_of_memory() noexcept {
  ::_exit(memory_exit_code);
}

}  // namespace millrace::extraction

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

// The dynamic linker prefers these definitions to those of libc for every library of the process;
// operator new calls malloc. glibc exports its own functions under these names, and free() takes
// what they return.
extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  void* block = __libc_malloc(size);
  if (block == nullptr) [[unlikely]]
    millrace::extraction::end_out_of_memory();
  return block;
}

void* calloc(std::size_t count, std::size_t size) {
  void* block = __libc_calloc(count, size);
  if (block == nullptr) [[unlikely]]
    millrace::extraction::end_out_of_memory();
  return block;
}

void* realloc(void* old, std::size_t size) {
  void* block = __libc_realloc(old, size);
  if (block == nullptr && size != 0) [[unlikely]]  // a size of 0 frees and returns null
    millrace::extraction::end_out_of_memory();
  return block;
}

void* reallocarray(void* old, std::size_t count, std::size_t size) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) millrace::extraction::end_out_of_memory();
  return realloc(old, bytes);
}

void* memalign(std::size_t alignment, std::size_t size) {
  void* block = __libc_memalign(alignment, size);
  if (block == nullptr) [[unlikely]]
    millrace::extraction::end_out_of_memory();
  return block;
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return memalign(alignment, size);
}

int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
  if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) return EINVAL;
  *block = memalign(alignment, size);
  return 0;
}

void* mmap(void* address, std::size_t length, int protection, int flags, int fd, off_t offset) {
  // libc's wrapper has no other name to call it by. It returns MAP_FAILED as the same -1.
  const auto mapped = ::syscall(SYS_mmap, address, length, protection, flags, fd, offset);
  if (mapped == -1 && errno == ENOMEM) millrace::extraction::end_out_of_memory();
  return reinterpret_cast<void*>(static_cast<std::intptr_t>(mapped));
}

void* mmap64(void* address, std::size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap(address, length, protection, flags, fd, offset);
}

}  // extern "C"

#endif
