// SPDX-License-Identifier: Apache-2.0
#include "lwip_library.hpp"

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tiptoe/dut.hpp"

namespace tiptoe::devices {

namespace {

constexpr const char* soname = "liblwip.so.0";

std::string last_error() {
  const char* text = ::dlerror();
  return text == nullptr ? "no reason given" : text;
}

/// The file of the library, as the loader finds it.
std::string image() {
  void* library = ::dlopen(soname, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw DutError(std::string("lwip: ") + soname + " is not there (" + last_error() +
                   "); on Debian 12 `apt-get install liblwip0` brings it");
  }
  link_map* map = nullptr;
  const bool known = ::dlinfo(library, RTLD_DI_LINKMAP, static_cast<void*>(&map)) == 0;
  const std::string path = known ? map->l_name : "";
  ::dlclose(library);
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.empty()) throw DutError("lwip: can't read " + path);
  return bytes;
}

/// A copy with an inode of its own, without which the loader would hand out the one that is loaded already.
int make_copy() {
  static const std::string bytes = image();
  const int fd = ::memfd_create("liblwip", MFD_CLOEXEC);
  if (fd < 0) throw DutError("lwip: no memory for a copy of the library");
  const bool written = ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  if (written) return fd;
  ::close(fd);
  throw DutError("lwip: no memory for a copy of the library");
}

void* load(int fd) {
  void* library = ::dlopen(("/proc/self/fd/" + std::to_string(fd)).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) return library;
  const std::string why = last_error();
  ::close(fd);
  throw DutError("lwip: can't load a copy of the library: " + why);
}

}  // namespace

LwipLibrary::LwipLibrary() : file_(make_copy()), library_(load(file_)) {}

LwipLibrary::~LwipLibrary() {
  ::dlclose(library_);
  ::close(file_);
}

void* LwipLibrary::symbol(const char* name) const {
  void* found = ::dlsym(library_, name);
  if (found != nullptr) return found;
  ::dlclose(library_);
  ::close(file_);
  throw DutError(std::string("lwip: ") + soname + " has no " + name + "; wanted is that of Debian 12 (lwIP 2.1.3)");
}

}  // namespace tiptoe::devices
