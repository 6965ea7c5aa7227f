// SPDX-License-Identifier: Apache-2.0
// tiptoe_soak: random traffic, and how fast things are.
//
//   tiptoe_soak --cycles 10000000 --seed 7 --width 512
//   tiptoe_soak --bench
//   tiptoe_soak --all-faults --cycles 3000000
//   tiptoe_soak --seed 7 --first-episode 12 --cycles 100000 --waves soak.fst --waves-from 41000 --waves-to 42000
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tiptoe/engine_dut.hpp"
#include "tiptoe/soak.hpp"
#include "tiptoe/tcp/faults.hpp"

namespace {

int bench(const tiptoe::DutOptions& base, const std::string& only) {
  for (const unsigned width : {64U, 512U}) {
    tiptoe::DutOptions options = base;
    options.data_w = width;
    for (const char* kind : {"model", "rtl", "lockstep"}) {
      if (!only.empty() && only != kind) continue;
      try {
        const tiptoe::SpeedResult r =
            tiptoe::measure_speed(kind, options, std::strcmp(kind, "model") == 0 ? 3'000'000 : 1'000'000);
        std::printf("%-8s %3u bits: %9.0f cycles/s\n", kind, width, r.cycles_per_second());
      } catch (const tiptoe::DutError& error) {
        std::printf("%-8s %3u bits: %s\n", kind, width, error.what());
      }
    }
    for (const unsigned connections : {64U, 1U}) {
      const tiptoe::SegmentRate r =
          tiptoe::measure_segment_rate(only.empty() ? "model" : only, options, connections, 20'000);
      std::printf("%3u bits, %2u connections, 41-octet datagrams back to back: %.2f cycles a segment\n", width,
                  connections, r.cycles_per_segment());
    }
  }
  return 0;
}

/// Does random traffic notice every seeded fault of the model? Cycles until it does, and which ones it misses.
int all_faults(tiptoe::SoakOptions o) {
  unsigned noticed = 0, missed = 0;
  for (const tiptoe::tcp::FaultInfo& info : tiptoe::tcp::FAULTS) {
    o.fault = std::string(info.id);
    const tiptoe::SoakResult result = tiptoe::soak(o);
    ++(result.passed ? missed : noticed);
    if (result.passed)
      std::printf("missed   %s\n", o.fault.c_str());
    else
      std::printf("%8llu %s\n", static_cast<unsigned long long>(result.cycles), o.fault.c_str());
    std::fflush(stdout);
  }
  std::printf("%u faults noticed, %u missed\n", noticed, missed);
  return missed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  tiptoe::SoakOptions o;
  bool run_bench = false;
  bool every_fault = false;
  bool kind_given = false;
  const auto number = [](const char* text) { return std::strtoull(text, nullptr, 0); };
  const auto small = [&](const char* text) { return static_cast<unsigned>(number(text)); };
  const std::map<std::string, std::function<void(const char*)>> with_value{
      {"--kind", [&](const char* v) { o.kind = v, kind_given = true; }},
      {"--cycles", [&](const char* v) { o.cycles = number(v); }},
      {"--seed", [&](const char* v) { o.seed = number(v); }},
      {"--first-episode", [&](const char* v) { o.first_episode = number(v); }},
      {"--episode-cycles", [&](const char* v) { o.episode_cycles = number(v); }},
      {"--log",
       [&](const char* v) {
         std::shared_ptr<std::FILE> file(std::fopen(v, "w"), [](std::FILE* f) {
           if (f != nullptr) std::fclose(f);
         });
         if (file == nullptr) throw tiptoe::DutError(std::string("cannot write ") + v);
         o.log = [file](const std::string& line) { std::fprintf(file.get(), "%s\n", line.c_str()); };
       }},
      {"--fault", [&](const char* v) { o.fault = v; }},
      {"--width", [&](const char* v) { o.dut.data_w = small(v); }},
      {"--conns", [&](const char* v) { o.dut.conns = small(v); }},
      {"--listeners", [&](const char* v) { o.dut.listeners = small(v); }},
      {"--tx-buf-log2", [&](const char* v) { o.dut.tx_buf_log2 = small(v); }},
      {"--rx-buf-log2", [&](const char* v) { o.dut.rx_buf_log2 = small(v); }},
      {"--scan", [&](const char* v) { o.dut.timer_scan = small(v); }},
      {"--waves", [&](const char* v) { o.dut.waves = v; }},
      {"--waves-from", [&](const char* v) { o.dut.waves_from = number(v); }},
      {"--waves-to", [&](const char* v) { o.dut.waves_to = number(v); }}};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--all-faults")
      every_fault = true;
    else if (word == "--bench")
      run_bench = true;
    else if (word == "--no-stalls")
      o.stalls = false;
    else if (const auto found = with_value.find(word); found != with_value.end() && i + 1 < argc)
      found->second(argv[++i]);
    else {
      std::fprintf(stderr, "tiptoe_soak: what is '%s'? Options: --bench --all-faults --no-stalls", word.c_str());
      for (const auto& [name, use] : with_value) std::fprintf(stderr, " %s X", name.c_str());
      std::fprintf(stderr, "\n");
      return 2;
    }
  }
  if (run_bench) return bench(o.dut, kind_given ? o.kind : "");
  if (every_fault) return all_faults(o);
  const tiptoe::SoakResult result = tiptoe::soak(o);
  std::printf("%s%s", result.summary().c_str(), result.failure.c_str());
  return result.passed ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "tiptoe_soak: %s\n", error.what());
  return 2;
}
