// SPDX-License-Identifier: Apache-2.0
#include "lwip_library.hpp"

#include <dlfcn.h>
#include <link.h>
#include <lwip/tcpip.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstring>
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

/// Stands for tcpip_try_callback(), with which netif_loop_output() asks the TCP/IP thread to call netif_poll().
err_t owner_polls(tcpip_callback_fn, void*) { return ERR_OK; }

/// Calls `visit(name, slot)` for each address that the library looks up by name when it is loaded.
template <class Visit>
void each_slot(const link_map& map, Visit visit) {
  const ElfW(Sym)* symbols = nullptr;
  const char* names = nullptr;
  struct Table {
    ElfW(Addr) begin = 0;
    std::size_t octets = 0;
  };
  Table calls;
  Table data;
  for (const ElfW(Dyn)* d = map.l_ld; d->d_tag != DT_NULL; ++d) {
    // The loader has made addresses of them on most machines, on some they are still offsets.
    const ElfW(Addr) at = d->d_un.d_ptr < map.l_addr ? map.l_addr + d->d_un.d_ptr : d->d_un.d_ptr;
    switch (d->d_tag) {
      case DT_SYMTAB: symbols = std::bit_cast<const ElfW(Sym)*>(at); break;
      case DT_STRTAB: names = std::bit_cast<const char*>(at); break;
      case DT_JMPREL: calls.begin = at; break;
      case DT_PLTRELSZ: calls.octets = d->d_un.d_val; break;
      case DT_RELA: data.begin = at; break;
      case DT_RELASZ: data.octets = d->d_un.d_val; break;
      default: break;
    }
  }
  if (symbols == nullptr || names == nullptr) return;
  for (const Table& table : {calls, data}) {
    const auto* r = std::bit_cast<const ElfW(Rela)*>(table.begin);
    for (std::size_t n = table.octets / sizeof *r; n > 0; --n, ++r) {
      const auto index = static_cast<std::size_t>(sizeof r->r_info == 8 ? r->r_info >> 32 : r->r_info >> 8);
      if (index != 0) visit(names + symbols[index].st_name, map.l_addr + r->r_offset);
    }
  }
}

}  // namespace

LwipLibrary::LwipLibrary() : file_(make_copy()), library_(load(file_)) {
  replace("tcpip_try_callback", reinterpret_cast<void*>(&owner_polls));
}

/// The library calls its own functions by a table, as every shared object does whose functions may be replaced.
void LwipLibrary::replace(const char* function, void* ours) const {
  link_map* map = nullptr;
  unsigned replaced = 0;
  if (::dlinfo(library_, RTLD_DI_LINKMAP, static_cast<void*>(&map)) == 0) {
    const auto page = static_cast<ElfW(Addr)>(::sysconf(_SC_PAGESIZE));
    each_slot(*map, [&](const char* name, ElfW(Addr) at) {
      if (std::strcmp(name, function) != 0) return;
      auto* begin = std::bit_cast<void*>(at & ~(page - 1));
      if (::mprotect(begin, page, PROT_READ | PROT_WRITE) != 0) return;
      std::memcpy(std::bit_cast<void*>(at), &ours, sizeof ours);
      ::mprotect(begin, page, PROT_READ);  // as the loader has left it (full RELRO)
      ++replaced;
    });
  }
  if (replaced == 0) refuse("does not call " + std::string(function) + " by its table of calls");
}

LwipLibrary::~LwipLibrary() {
  ::dlclose(library_);
  ::close(file_);
}

void* LwipLibrary::symbol(const char* name) const {
  void* found = ::dlsym(library_, name);
  if (found != nullptr) return found;
  refuse(std::string("has no ") + name);
}

void LwipLibrary::refuse(const std::string& why) const {
  ::dlclose(library_);
  ::close(file_);
  throw DutError(std::string("lwip: ") + soname + " " + why + "; wanted is that of Debian 12 (lwIP 2.1.3)");
}

}  // namespace tiptoe::devices
