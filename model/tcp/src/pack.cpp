// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/tcp/pack.hpp"

#include <span>
#include <type_traits>

namespace tiptoe::tcp {
namespace {

// Walks a packed struct from its most significant bit down.
class Cursor {
 public:
  explicit constexpr Cursor(unsigned width) : pos_(width) {}

  // A field of at most 48 bits lies in at most three words. Without a loop, and inlined, all positions are constants.
  [[gnu::always_inline]] constexpr void put(std::span<std::uint32_t> words, unsigned bits, std::uint64_t value) {
    pos_ -= bits;
    value &= (std::uint64_t{1} << bits) - 1;
    const unsigned word = pos_ / 32, shift = pos_ % 32;
    words[word] |= static_cast<std::uint32_t>(value << shift);
    if (shift + bits > 32) words[word + 1] |= static_cast<std::uint32_t>(value >> (32 - shift));
    if (shift + bits > 64) words[word + 2] |= static_cast<std::uint32_t>(value >> (64 - shift));
  }

  constexpr std::uint64_t get(std::span<const std::uint32_t> words, unsigned bits) {
    pos_ -= bits;
    std::uint64_t value = 0;
    for (unsigned done = 0; done < bits;) {
      const unsigned word = (pos_ + done) / 32, shift = (pos_ + done) % 32;
      const unsigned n = bits - done < 32 - shift ? bits - done : 32 - shift;
      const std::uint64_t mask = (std::uint64_t{1} << n) - 1;
      value |= (words[word] >> shift & mask) << done;
      done += n;
    }
    return value;
  }

 private:
  unsigned pos_;
};

}  // namespace

RecordWords pack(const Record& r) {
  RecordWords words{};
  Cursor cursor(RECORD_W);
  for_each_field(r, [&](const char*, unsigned bits, const auto& member) {
    cursor.put(words, bits, static_cast<std::uint64_t>(member));
  });
  return words;
}

DeadlineWords pack(const Deadlines& d) {
  DeadlineWords words{};
  Cursor cursor(DEADLINE_W);
  for_each_field_of_deadlines(d, [&](const char*, unsigned bits, const auto& member) {
    cursor.put(words, bits, static_cast<std::uint64_t>(member));
  });
  return words;
}

Record unpack_record(const RecordWords& words) {
  Record r;
  Cursor cursor(RECORD_W);
  for_each_field(r, [&](const char*, unsigned bits, auto& member) {
    member = static_cast<std::remove_reference_t<decltype(member)>>(cursor.get(words, bits));
  });
  return r;
}

Deadlines unpack_deadlines(const DeadlineWords& words) {
  Deadlines d;
  Cursor cursor(DEADLINE_W);
  for_each_field_of_deadlines(d, [&](const char*, unsigned bits, auto& member) {
    member = static_cast<std::remove_reference_t<decltype(member)>>(cursor.get(words, bits));
  });
  return d;
}

}  // namespace tiptoe::tcp
