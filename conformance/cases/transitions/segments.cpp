// SPDX-License-Identifier: Apache-2.0
// Section 4 of the catalogue, the rows of arriving segments: every state x every event, outcomes as exact as the text.
// The table is read like the catalogue's own: one line per event, profile and origin, one cell per state.
#include <map>
#include <set>

#include "rig.hpp"

namespace tiptoe::conformance::cases {

namespace {

using namespace transitions;

using Stimulus = Segment (*)(Conn&);
struct Named {
  const char* name;
  Stimulus make;
  const char* also = "";  ///< outcomes that are legal for this one besides; '^': with what its ACK brings about
};

/// In a state whose own FIN is outstanding ACK=S would acknowledge it: another event. Such segments carry ACK=U.
std::uint32_t not_the_fin(Conn& c) { return c.S == c.U || c.user_offset(c.S) <= c.user_supplied ? c.S : c.U; }

Segment text(Conn& c, std::uint32_t seq, std::size_t n, std::uint32_t ack, std::uint8_t flags = ACK) {
  Segment s = c.text_at(seq, n, flags);
  s.ack = ack;
  return s;
}
Segment spoiled(Segment s) {
  s.corrupt_checksum = true;
  return s;
}

constexpr const char* all_profiles = "base rfc5961";

// Segments that touch an edge of the window: receivers that hold more than they have told, or that read the ACK of what
// is just below, take these. Those further out are unacceptable for everybody.
constexpr const char* below_edge = "{ack_below_window=used}A^|{ack_below_window=used}.^";
constexpr const char* beyond_edge = "{beyond_window=taken}A^|{beyond_window=taken}.^";
constexpr std::uint32_t far = 70'000;  // more than any window without scaling

struct Row {
  const char* event;
  const char* profiles;  ///< names of profiles, separated by spaces
  const char* origin;    ///< "" every one; "passive", "active": SYN_RECEIVED of that origin only
  std::vector<Named> stimuli;
  std::array<const char*, 11> cells;  ///< "-": no such row here
  std::vector<std::string> rules;
  Past past = {};
  Level level = Level::must;
};

// clang-format off
std::vector<Row> table() {
  const std::vector<Named> bad_checksum = {
      {"syn", [](Conn& c) { return spoiled({.seq = c.isn, .flags = SYN}); }},
      {"syn-ack", [](Conn& c) { return spoiled({.seq = c.isn, .flags = SYN | ACK}); }},
      {"ack", [](Conn&) { return spoiled({.flags = ACK}); }},
      {"text", [](Conn& c) { return spoiled(text(c, c.R, 10, c.S)); }},
      {"fin", [](Conn&) { return spoiled({.flags = FIN | ACK}); }},
      {"rst", [](Conn&) { return spoiled({.flags = RST}); }},
      {"rst-ack", [](Conn&) { return spoiled({.flags = RST | ACK}); }}};
  const std::vector<Named> seq_bad = {
      {"text-R-70000", [](Conn& c) { return text(c, c.R - far, 10, c.S); }},
      {"text-R-10", [](Conn& c) { return text(c, c.R - 10, 10, c.S); }, below_edge},
      {"text-R.W", [](Conn& c) { return text(c, c.R + c.W, 10, c.S); }, beyond_edge},
      {"text-R.70000", [](Conn& c) { return text(c, c.R + far, 10, c.S); }},
      {"empty-R-1", [](Conn& c) { return Segment{.seq = c.R - 1, .flags = ACK}; }, below_edge},
      {"empty-R.W", [](Conn& c) { return Segment{.seq = c.R + c.W, .flags = ACK}; }, beyond_edge},
      {"fin-R.W", [](Conn& c) { return Segment{.seq = c.R + c.W, .flags = FIN | ACK}; }, beyond_edge}};
  const std::vector<Named> zero_window = {{"", [](Conn& c) { return text(c, c.R, 1, c.U); }}};
  const std::vector<Named> rst_out = {
      {"R-1", [](Conn& c) { return Segment{.seq = c.R - 1, .flags = RST}; }},
      {"R.W", [](Conn& c) { return Segment{.seq = c.R + c.W, .flags = RST}; }, "{beyond_window=taken}A"},
      {"R.2G", [](Conn& c) { return Segment{.seq = c.R + 0x80000000U, .flags = RST}; }},
      {"R-1-ack", [](Conn& c) { return Segment{.seq = c.R - 1, .flags = RST | ACK}; }}};
  const std::vector<Named> rst_bad_ack = {
      {"no-ack", [](Conn& c) { return Segment{.seq = c.isn, .flags = RST}; }},
      {"zero", [](Conn&) { return Segment{.seq = 0, .flags = RST}; }},
      {"ack-iss", [](Conn& c) { return Segment{.seq = c.isn, .ack = c.iss, .flags = RST | ACK}; }},
      {"ack-S.1", [](Conn& c) { return Segment{.seq = c.isn, .ack = c.S + 1, .flags = RST | ACK}; }}};
  const std::vector<Named> rst_exact = {
      {"", [](Conn&) { return Segment{.flags = RST}; }},
      {"ack", [](Conn&) { return Segment{.flags = RST | ACK}; }}};
  const std::vector<Named> rst_syn_sent = {
      {"seq-0", [](Conn&) { return Segment{.seq = 0, .flags = RST | ACK}; }},
      {"any-seq", [](Conn& c) { return Segment{.seq = c.isn + 77, .flags = RST | ACK}; }}};
  const std::vector<Named> rst_inwin = {
      {"R.1", [](Conn& c) { return Segment{.seq = c.R + 1, .flags = RST}; }},
      {"R.W-1", [](Conn& c) { return Segment{.seq = c.R + c.W - 1, .flags = RST}; }}};
  const std::vector<Named> syn_in = {{"", [](Conn& c) { return Segment{.seq = c.R + 1, .flags = SYN}; }}};
  const std::vector<Named> syn_first = {
      {"", [](Conn& c) { return Segment{.seq = c.isn, .flags = SYN, .options = Options().mss(1460)}; }}};
  const std::vector<Named> syn_old = {{"irs", [](Conn& c) { return Segment{.seq = c.isn, .flags = SYN}; }}};
  const std::vector<Named> syn_above = {{"R.W.1000", [](Conn& c) { return Segment{.seq = c.R + c.W + 1000, .flags = SYN}; }}};
  const std::vector<Named> synack_in = {{"in-window", [](Conn& c) { return Segment{.seq = c.R + 1, .flags = SYN | ACK}; }}};
  const std::vector<Named> synack_old = {{"irs", [](Conn& c) { return Segment{.seq = c.isn, .flags = SYN | ACK}; }}};
  const std::vector<Named> synack_above = {{"R.W", [](Conn& c) { return Segment{.seq = c.R + c.W, .flags = SYN | ACK}; }}};
  const std::vector<Named> synack_bad = {
      {"ack-iss", [](Conn& c) { return Segment{.seq = c.isn, .ack = c.iss, .flags = SYN | ACK}; }},
      {"ack-S.1", [](Conn& c) { return Segment{.seq = c.isn, .ack = c.S + 1, .flags = SYN | ACK}; }},
      {"ack-S.2G", [](Conn& c) { return Segment{.seq = c.isn, .ack = c.S + 0x80000000U, .flags = SYN | ACK}; }}};
  const std::vector<Named> ack_off = {
      {"text", [](Conn& c) { return c.text_at(c.R, 10, 0); }},
      {"psh", [](Conn& c) { return c.text_at(c.R, 10, PSH); }},
      {"urg", [](Conn& c) { Segment s = c.text_at(c.R, 10, URG); s.urgent = std::uint16_t{5}; return s; }},
      {"fin", [](Conn&) { return Segment{.flags = FIN}; }},
      {"text-fin", [](Conn& c) { return c.text_at(c.R, 10, FIN); }},
      {"null", [](Conn&) { return Segment{.flags = std::uint8_t{0}}; }}};
  const std::vector<Named> ack_S = {{"", [](Conn& c) { return Segment{.ack = c.S, .flags = ACK}; }}};
  const std::vector<Named> ack_data = {
      {"", [](Conn& c) { return Segment{.ack = c.iss + 1 + static_cast<std::uint32_t>(c.user_supplied), .flags = ACK}; }},
      {"part", [](Conn& c) { return Segment{.ack = c.U + 1, .flags = ACK}; }}};
  const std::vector<Named> ack_U = {{"", [](Conn& c) { return Segment{.ack = c.U, .flags = ACK}; }}};
  const std::vector<Named> ack_future = {
      {"", [](Conn& c) { return text(c, c.R, 10, c.S + 1); }},
      {"fin", [](Conn& c) { return Segment{.ack = c.S + 1, .flags = FIN | ACK}; }},
      {"2G", [](Conn& c) { return text(c, c.R, 10, c.S + 0x7FFFFFFFU); }}};
  const std::vector<Named> ack_old = {{"", [](Conn& c) { return text(c, c.R, 10, c.U - c.M - 1); }}};
  const std::vector<Named> ack_oldest = {{"edge", [](Conn& c) { return text(c, c.R, 10, c.U - c.M); }}};
  const std::vector<Named> window = {{"", [](Conn& c) { return Segment{.ack = c.U, .flags = ACK, .window = std::uint16_t{1000}}; }}};
  const std::vector<Named> urg = {{"", [](Conn& c) {
    Segment s = text(c, c.R, 10, not_the_fin(c), ACK | URG); s.urgent = std::uint16_t{5}; return s; }}};
  const std::vector<Named> urg_syn = {{"syn-ack", [](Conn& c) {
    return Segment{.seq = c.isn, .flags = SYN | ACK | URG, .urgent = std::uint16_t{5}, .payload = c.peer_text(0, 10)}; }}};
  const std::vector<Named> text_R = {{"", [](Conn& c) { return text(c, c.R, 10, not_the_fin(c)); }}};
  const std::vector<Named> text_syn = {{"syn-ack", [](Conn& c) {
    return Segment{.seq = c.isn, .flags = SYN | ACK, .payload = c.peer_text(0, 10)}; }}};
  const std::vector<Named> text_ooo = {{"", [](Conn& c) { return text(c, c.R + 10, 10, not_the_fin(c)); }}};
  const std::vector<Named> text_ovl = {{"", [](Conn& c) { return text(c, c.R - 10, 20, not_the_fin(c)); }}};
  const std::vector<Named> text_ovl_syn = {{"", [](Conn& c) {
    Segment s{.seq = c.R - 1, .flags = ACK, .payload = Bytes{0xEE}};
    const Bytes rest = c.peer_text(0, 10); s.payload->insert(s.payload->end(), rest.begin(), rest.end()); return s; }}};
  const std::vector<Named> fin = {{"", [](Conn& c) { return Segment{.ack = not_the_fin(c), .flags = FIN | ACK}; }}};
  const std::vector<Named> fin_syn = {
      {"syn-ack", [](Conn& c) { return Segment{.seq = c.isn, .flags = SYN | FIN | ACK}; }}};
  const std::vector<Named> finack = {{"", [](Conn& c) { return Segment{.ack = c.S, .flags = FIN | ACK}; }}};
  const std::vector<Named> finack_old = {{"", [](Conn& c) { return Segment{.seq = c.R - 1, .ack = c.S, .flags = FIN | ACK}; }}};
  const std::vector<Named> fin_ooo = {{"", [](Conn& c) { return Segment{.seq = c.R + 10, .ack = not_the_fin(c), .flags = FIN | ACK}; }}};
  const std::vector<Named> fin_dup = {{"", [](Conn& c) { return Segment{.seq = c.R - 1, .ack = not_the_fin(c), .flags = FIN | ACK}; }}};

  const char* const taken = "A|{beyond_window=taken}D+1!R";
  const char* const never_sent = "{ack_never_sent=taken}D+10!R|{ack_never_sent=refused}A";
  const char* const past = "A|{beyond_window=taken}.";
  const std::vector<std::string> none;
  const std::vector<std::string> unacceptable = {"RFC9293-3.5.2-4"};
  const std::vector<std::string> after_fin = {};
  return {
      // event, profiles, origin, stimuli           CL    LI       SS             SR             ES             F1             F2             CW             CG           LA           TW
      {"CKSUM-BAD", all_profiles, "", bad_checksum, {".", ".",     ".",           ".",           ".",           ".",           ".",           ".",           ".",         ".",         "."}, {"MUST-3"}},
      {"SEQ-BAD", all_profiles, "", seq_bad,        {"Ra","Ra",    "-",           "A",           "A",           "A",           "A",           "A",           "A",         "A",         "A"}, unacceptable},
      {"ZWIN", all_profiles, "", zero_window,       {"-", "-",     "-",           "-",           taken,         taken,         taken,         past,          past,          past,        past}, unacceptable, {.full = true}},
      {"RST-OUT", all_profiles, "", rst_out,        {".", ".",     "-",           ".",           ".",           ".",           ".",           ".",           ".",         ".",         "."}, {"RFC9293-3.5.3-1", "RFC5961-3.2-1", "RFC9293-3.5.2-2"}},
      {"RST-OUT", all_profiles, "", rst_bad_ack,    {"-", "-",     ".",           "-",           "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC9293-3.5.3-1", "RFC5961-3.2-5"}},
      {"RST-EXACT", all_profiles, "", rst_exact,    {".", ".",     "-",           "-",           ".>CL!TX",     ".>CL!TX",     ".>CL!TX",     ".>CL!TX",     ".>CL",      ".>CL",      ".>CL"}, {"RFC9293-3.5.3-1", "RFC5961-3.2-2", "RFC9293-3.5.2-2"}},
      {"RST-EXACT", all_profiles, "", rst_syn_sent, {"-", "-",     ".>CL!FX",     "-",           "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC9293-3.5.3-1", "RFC5961-3.2-5"}},
      {"RST-EXACT", all_profiles, "passive", rst_exact, {"-","-",  "-",           ".>LI",        "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC5961-3.2-2"}},
      {"RST-EXACT", all_profiles, "active", rst_exact,  {"-","-",  "-",           ".>CL!FX",     "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC5961-3.2-2"}},
      {"RST-EXACT", "rfc1337", "", rst_exact,       {"-", "-",     "-",           "-",           "-",           "-",           "-",           "-",           "-",         "-",         "."}, {"RFC1337-F1"}},
      {"RST-EXACT", "default", "", rst_exact,       {"-", "-",     "-",           "-",           ".>CL!TX",     "-",           "-",           "-",           "-",         "-",         "."}, {"RFC1337-F1"}},
      {"RST-INWIN", "base", "", rst_inwin,          {".", ".",     "-",           "-",           ".>CL!TX",     ".>CL!TX",     ".>CL!TX",     ".>CL!TX",     ".>CL",      ".>CL",      ".>CL"}, {"RFC9293-3.5.3-1"}},
      {"RST-INWIN", "base", "passive", rst_inwin,   {"-", "-",     "-",           ".>LI",        "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC9293-3.5.3-1"}},
      {"RST-INWIN", "base", "active", rst_inwin,    {"-", "-",     "-",           ".>CL!FX",     "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC9293-3.5.3-1"}},
      {"RST-INWIN", "rfc5961", "", rst_inwin,       {".", ".",     "-",           "A",           "A",           "A",           "A",           "A",           "A",         "A",         "{time_wait_rst=challenge}A|{time_wait_rst=ignored}."}, {"RFC5961-3.2-3", "RFC5961-3.2-4", "RFC9293-3.10.7.4-1"}},
      {"RST-INWIN", "rfc1337", "", rst_inwin,       {"-", "-",     "-",           "-",           "-",           "-",           "-",           "-",           "-",         "-",         "."}, {"RFC1337-F1"}},
      {"RST-INWIN", "default", "", rst_inwin,       {"-", "-",     "-",           "-",           "-",           "-",           "-",           "-",           "-",         "-",         "A|."}, {"RFC1337-F1"}},
      {"SYN-IN", all_profiles, "", syn_first,       {"R0","SA>SR", "SA>SR",       "-",           "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC9293-3.5.2-1"}},
      {"SYN-IN", all_profiles, "passive", syn_in,   {"-", "-",     "-",           ".>LI|A",      "-",           "-",           "-",           "-",           "-",         "-",         "-"}, none},
      {"SYN-IN", "base", "active", syn_in,          {"-", "-",     "-",           "R0>CL!T",     "-",           "-",           "-",           "-",           "-",         "-",         "-"}, none},
      {"SYN-IN", "rfc5961", "active", syn_in,       {"-", "-",     "-",           "A",           "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC5961-4.2-1"}},
      {"SYN-IN", "base", "", syn_in,                {"-", "-",     "-",           "-",           "R0>CL!T",     "R0>CL!T",     "R0>CL!T",     "R0>CL!T",     "R0>CL!T",   "R0>CL!T",   "R0>CL"}, none},
      {"SYN-IN", "rfc5961", "", syn_in,             {"-", "-",     "-",           "-",           "A",           "A",           "A",           "A",           "A",         "A",         "A"}, {"RFC5961-4.2-1", "RFC5961-4.2-2", "RFC9293-3.10.7.4-2"}},
      {"SYN-OUT", all_profiles, "", syn_first,      {"R0","SA>SR", "SA>SR",       "-",           "-",           "-",           "-",           "-",           "-",         "-",         "-"}, none},
      {"SYN-OUT", all_profiles, "", syn_old,        {"-", "-",     "-",           "A|SA",        "A",           "A",           "A",           "A",           "A",         "A",         "A"}, {"RFC9293-3.5.1-1", "RFC5961-4.2-1"}},
      {"SYN-OUT", all_profiles, "", syn_above,      {"-", "-",     "-",           "A",           "A",           "A",           "A",           "A",           "A",         "A",         "A"}, {"RFC9293-3.5.1-1", "RFC5961-4.2-1"}},
      {"SYNACK", all_profiles, "", synack_in,       {"Ra","Ra",    "-",           "-",           "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC9293-3.5.1-3"}},
      {"SYNACK", all_profiles, "", synack_old,      {"-", "-",     "A>ES!C",      "-",           "A",           "A",           "A",           "A",           "A",         "A",         "A"}, {"RFC5961-4.2-1"}},
      {"SYNACK", all_profiles, "", synack_above,    {"-", "-",     "-",           "A",           "A",           "A",           "A",           "A",           "A",         "A",         "A"}, {"RFC5961-4.2-1"}},
      {"SYNACK", all_profiles, "", synack_bad,      {"-", "-",     "Ra",          "-",           "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC9293-3.5.2-3"}},
      {"SYNACK", all_profiles, "active", synack_old,{"-", "-",     "-",           ".>ES!C|A|A>ES!C",    "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"MUST-10"}},
      {"SYNACK", all_profiles, "passive", synack_in,{"-", "-",     "-",           ".>LI|A",      "-",           "-",           "-",           "-",           "-",         "-",         "-"}, none},
      {"SYNACK", "base", "active", synack_in,       {"-", "-",     "-",           "Ra>CL!T",     "-",           "-",           "-",           "-",           "-",         "-",         "-"}, none},
      {"SYNACK", "rfc5961", "active", synack_in,    {"-", "-",     "-",           "A",           "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC5961-4.2-1"}},
      {"SYNACK", "base", "", synack_in,             {"-", "-",     "-",           "-",           "Ra>CL!T",     "Ra>CL!T",     "Ra>CL!T",     "Ra>CL!T",     "Ra>CL!T",   "Ra>CL!T",   "Ra>CL"}, none},
      {"SYNACK", "rfc5961", "", synack_in,          {"-", "-",     "-",           "-",           "A",           "A",           "A",           "A",           "A",         "A",         "A"}, {"RFC5961-4.2-1", "RFC5961-4.2-2"}},
      {"ACK-OFF", all_profiles, "", ack_off,        {"R0",".",     ".",           ".",           ".",           ".",           ".",           ".",           ".",         ".",         ".|{time_wait_no_ack=ack}A"}, {"RFC9293-3.1-2"}},
      {"ACK-NEW", all_profiles, "", ack_S,          {"Ra","Ra",    ".",           ".>ES!C",      "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC9293-3.5.2-1"}},
      {"ACK-NEW", all_profiles, "", ack_data,       {"-", "-",     "-",           "-",           ".",           ".",           "-",           ".",           ".",         ".",         "-"}, none, {.outstanding = true}},
      {"ACK-DUP", all_profiles, "", ack_U,          {"Ra","Ra",    "Ra",          "Ra",          ".",           ".",           ".",           ".",           ".",         ".",         ".|A"}, {"RFC9293-3.5.2-3"}},
      {"ACK-FUT", "base", "", ack_future,           {"Ra","Ra",    "Ra",          "Ra|A",        "A",           "A",           "A",           "A",           "A",         "A",         "A"}, {"RFC9293-3.5.2-3", "RFC9293-3.5.2-4"}},
      {"ACK-FUT", "rfc5961", "", ack_future,        {"Ra","Ra",    "Ra",          "Ra|A",        "A",           "A",           "A",           "A",           "A",         "A",         "A"}, {"RFC5961-5.2-2", "RFC5961-5.2-3"}},
      {"ACK-OLD", all_profiles, "", ack_old,        {"Ra","Ra",    "Ra",          "-",           "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC9293-3.5.2-3"}},
      {"ACK-OLD", "base", "", ack_old,              {"-", "-",     "-",           "Ra",          "D+10!R",      "D+10!R",      "D+10!R",      ".|A",         ".|A",       ".|A",       ".|A"}, {"RFC5961-5.1-1"}},
      {"ACK-OLD", "rfc5961", "", ack_old,           {"-", "-",     "-",           "A|Ra",        "A",           "A",           "A",           "A",           "A",         "A",         "A"}, {"RFC5961-5.2-2", "RFC5961-5.2-3", "RFC9293-3.10.7.4-3"}},
      {"ACK-OLD", "rfc5961", "", ack_oldest,        {"-", "-",     "-",           "-",           never_sent,    never_sent,    never_sent,    ".|A",         ".|A",       ".|A",       ".|A"}, {"RFC5961-5.2-2"}},
      {"ACK-FIN", all_profiles, "", ack_S,          {"Ra","Ra",    "-",           "-",           "-",           ".>F2",        "-",           "-",           ".>TW",      ".>CL!X",    "-"}, none},
      {"WND-UPD", all_profiles, "", window,         {"Ra","Ra",    "Ra",          "Ra",          ".",           "-",           ".",           ".",           "-",         "-",         ".|A"}, {"RFC9293-3.10.7.4-4"}},
      {"URG", all_profiles, "", urg,                {"Ra","Ra",    ".",           "D+10>ES!CRU", "D+10!RU",     "D+10!RU",     "D+10!RU",     ".|A",         ".|A",       ".|A",       ".|A"}, none},
      {"URG", all_profiles, "", urg_syn,            {"-", "-",     "{syn_text=kept}D+10>ES!CRU|{syn_text=dropped}A>ES!C?U", "-",           "-",           "-",           "-",           "-",           "-",         "-",         "-"}, none},
      {"TXT-INORD", all_profiles, "", text_R,       {"Ra","Ra",    ".",           "D+10>ES!CR",  "D+10!R",      "D+10!R",      "D+10!R",      ".|A",         ".|A",       ".|A",       ".|A"}, {"RFC9293-3.5.1-2"}},
      {"TXT-INORD", all_profiles, "", text_syn,     {"-", "-",     "{syn_text=kept}D+10>ES!CR|{syn_text=dropped}A>ES!C", "-",     "-",           "-",           "-",           "-",           "-",         "-",         "-"}, none},
      {"TXT-OOO", all_profiles, "", text_ooo,       {"Ra","Ra",    ".",           "A>ES!C|A",    "A",           "A",           "A",           ".|A",         ".|A",       ".|A",       ".|A"}, {"SHLD-31"}},
      {"TXT-OVL", all_profiles, "", text_ovl,       {"Ra","Ra",    ".",           "-",           "D+10!R",      "D+10!R",      "D+10!R",      ".|A",         ".|A",       ".|A",       ".|A"}, {"RFC9293-3.10.7.4-5"}},
      {"TXT-OVL", all_profiles, "", text_ovl_syn,   {"-", "-",     "-",           "D+10>ES!CR",  "-",           "-",           "-",           "-",           "-",         "-",         "-"}, {"RFC9293-3.10.7.4-5"}},
      {"FIN", all_profiles, "", fin,                {"Ra","Ra",    ".",           "Df>CW!CP",    "Df>CW!P",     "Df>CG!P",     "Df>TW!P",     ".|A",         ".|A",       ".|A",       ".|A"}, {"MUST-12"}},
      {"FIN", all_profiles, "", fin_syn,            {"-", "-",     "{syn_text=kept}Df>CW!CP|{syn_text=dropped}A>ES!C", "-",       "-",           "-",           "-",           "-",           "-",         "-",         "-"}, none},
      {"FINACK", all_profiles, "", finack,          {"Ra","Ra",    "-",           "Df>CW!CP",    "-",           "Df>TW!P",     "-",           "-",           "-",         "-",         "-"}, none},
      {"FINACK", all_profiles, "", finack_old,      {"-", "-",     "-",           "-",           "-",           "-",           "-",           "-",           "A>TW|A|{ack_below_window=used}.>TW",    "A|.>CL!X",  "-"}, none},
      {"FIN-OOO", all_profiles, "", fin_ooo,        {"Ra","Ra",    ".",           "A>ES!C",      "A",           "A",           "A",           "A|.",         "A|.",       "A|.",       "A|."}, none},
      {"FIN-DUP", all_profiles, "", fin_dup,        {"Ra","Ra",    "-",           "-",           "-",           "-",           "-",           "A",           "A",         "A",         "A"}, unacceptable},
  };
}
// clang-format on

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = std::min(text.find(' ', i), text.size());
    out.push_back(text.substr(i, end - i));
    i = end + 1;
  }
  return out;
}

bool answers(const Outcome& o, bool silence) { return (o.send == ".") == silence; }

Segment answer_to(const Outcome& o, const Segment& s, Conn& c, std::uint32_t r) {
  if (o.send == "Ra") return {.seq = *s.ack, .flags = RST};
  if (o.send == "R0") return {.seq = 0, .ack = *s.seq + s.length(), .flags = RST | ACK};
  if (o.send == "SA") {
    Segment p{.ack = *s.seq + 1, .flags = SYN | ACK};
    p.seq = c.iss;
    if (!c.iss_known) p.seq.reset();
    return p;
  }
  return {.seq = c.S, .ack = r + o.octets + (o.fin ? 1 : 0), .flags = ACK};
}

/// What the ACK of all that was sent brings about in this state.
std::string acknowledged(State state) {
  switch (state) {
    case State::syn_received: return ">ES!C";
    case State::fin_wait_1: return ">F2";
    case State::closing: return ">TW";
    case State::last_ack: return ">CL!X";
    default: return "";
  }
}

/// The outcomes that the device may choose from, without what it has said that it does otherwise.
std::vector<Outcome> open_to(Tester& t, State state, const Named& stimulus, std::vector<Outcome> legal) {
  std::string also = stimulus.also;
  for (std::size_t at = also.find('^'); at != std::string::npos; at = also.find('^')) {
    also.replace(at, 1, acknowledged(state));
  }
  if (!also.empty() && state != State::closed && state != State::listen && state != State::syn_sent) {
    for (Outcome& o : parse_cell(also)) legal.push_back(std::move(o));
  }
  std::erase_if(legal, [&t](const Outcome& o) { return !o.question.empty() && !t.may(o.question, o.answer); });
  return legal;
}

/// Which of several outcomes with the same answer it was: STATUS tells, or the connection that waits to be accepted.
Outcome told_apart(Tester& t, const std::vector<Outcome>& left) {
  Conn& c = t.c();
  if (left.size() == 1) return left.front();
  if (c.handle && *c.handle != own_handle && t.can("state")) {
    const State state = t.dut().status(*c.handle).state;
    for (const Outcome& o : left) {
      if (o.next == state) return o;
    }
    for (const Outcome& o : left) {
      if (o.next == State::unknown) return o;
    }
  }
  const bool opened = (c.pending_notifications() & acceptable) != 0;
  const Outcome* chosen = &left.front();
  for (const Outcome& o : left) {  // where nothing tells them apart: what is legal in any case
    if ((o.next == State::established || o.next == State::close_wait) == opened && o.question.empty()) chosen = &o;
  }
  for (const Outcome& o : left) {
    if (opened && o.next == State::established) chosen = &o;
  }
  return *chosen;
}

/// Sends one stimulus and takes the answer: the outcome that fits.
Outcome exchange(Tester& t, State state, const Named& stimulus, const std::vector<Outcome>& legal) {
  Conn& c = t.c();
  const std::uint32_t r = c.R;
  const Segment s = c.fill(stimulus.make(c));
  const bool releases_fin = fin_waits(c, state) && s.has(ACK) && *s.ack == c.S;
  c.send(s);
  if (releases_fin && legal.size() == 1 && legal[0].send == ".") {
    c.expect_fin();
    return legal[0];
  }
  std::vector<Outcome> left;
  bool silence_is_legal = false;
  bool late = false;
  std::vector<Segment> patterns;
  for (const Outcome& o : legal) {
    silence_is_legal = silence_is_legal || o.send == ".";
    late = late || o.send == "D";
    if (o.send == ".") continue;
    const Segment p = answer_to(o, s, c, r);
    const auto same = [&p](const Segment& other) { return other.ack == p.ack && other.flags == p.flags; };
    if (std::none_of(patterns.begin(), patterns.end(), same)) patterns.push_back(p);
  }
  if (!c.iss_known && legal.size() == 1 && legal[0].send == "SA") {
    c.expect_syn_ack();
    left.push_back(legal[0]);
  } else if (patterns.empty()) {
    t.expect_nothing(ack_delay);
    left = legal;
  } else if (silence_is_legal) {
    if (patterns.size() != 1) t.fail("two answers or silence (a defect of the case)");
    const auto got = c.allow(patterns[0], ack_delay);
    for (const Outcome& o : legal) {
      if (answers(o, !got)) left.push_back(o);
    }
  } else {
    const std::size_t n = c.expect_one_of(patterns, late ? ack_delay : at_once);
    for (const Outcome& o : legal) {
      const Segment p = answer_to(o, s, c, r);
      if (p.ack == patterns[n].ack && p.flags == patterns[n].flags) left.push_back(o);
    }
  }
  Outcome o = told_apart(t, left);
  if (o.next != State::unknown && s.has(ACK)) c.U = seq_max(c.U, *s.ack);  // the device has taken the ACK
  return o;
}

void accept_it(Tester& t, State next) {
  if (t.c().handle || next == State::listen || next == State::syn_received) return;
  if (next == State::established || next == State::close_wait) t.accept();
}

void run_row(Tester& t, State state, Role role, const Row& row, const std::vector<Named>& stimuli,
             const std::vector<Outcome>& legal) {
  Conn& c = t.c();
  bring(t, state, role, row.past);
  c.forget_notifications();
  State now = state;
  std::uint32_t octets = 0;
  for (const Named& stimulus : stimuli) {
    if (now != state) {  // by an outcome that is left open: the other stimuli are for the state of the row
      confirm(t, state, now);
      t.reset_device();
      c.restart(t.random());
      bring(t, state, role, row.past);
      c.forget_notifications();
      octets = 0;
    }
    t.step(std::string(row.event) + (*stimulus.name != '\0' ? std::string(" ") + stimulus.name : "") + " in " +
           to_string(state));
    const Outcome o = exchange(t, state, stimulus, open_to(t, state, stimulus, legal));
    now = o.next == State::unknown ? state : o.next;
    octets += o.octets;
    accept_it(t, now);
    if (c.handle && now != State::closed && now != State::listen) c.expect_status(now);
    if (c.handle) expect_told(t, o.told, now, o.may_be_told);
    if (state == State::listen && now == State::listen)
      t.check(c.pending_notifications() == 0, "the listener's user was told something");
    c.forget_notifications();
  }
  const bool alive = c.handle && now != State::closed && now != State::listen;
  if (octets > 0) c.user_receive(octets);
  if (alive && !row.past.full && *c.handle != own_handle) {
    const bool ended =
        now == State::close_wait || now == State::closing || now == State::last_ack || now == State::time_wait;
    c.receive(1, ended ? CallStatus::closing : CallStatus::would_block);
  }
  const std::string event = row.event;
  const bool data_state = now == State::established || now == State::fin_wait_1 || now == State::fin_wait_2;
  if (data_state && (event == "TXT-OOO" || event == "FIN-OOO")) {
    t.step("the gap is filled: one ACK for all of it");
    const bool fin = event == "FIN-OOO";
    c.send(text(c, c.R, 10, not_the_fin(c)));
    c.expect({.ack = c.R + (fin ? 11 : 20), .flags = ACK}, ack_delay);  // at once: SHOULD, judged elsewhere
    c.user_receive(fin ? 10 : 20);
    if (fin) {
      c.expect_notification(peer_fin);
      now = now == State::established  ? State::close_wait
            : now == State::fin_wait_1 ? State::closing
                                       : State::time_wait;
    }
  }
  if (row.past.outstanding && event == "ACK-NEW") {
    const bool waits = fin_waits(c, state);
    c.send({.ack = c.iss + 1 + static_cast<std::uint32_t>(c.user_supplied), .flags = ACK});
    if (waits) c.expect_fin();
    t.expect_nothing();
  }
  if (row.past.full && alive) {
    t.step("the user reads");
    const bool open = state == State::established || state == State::fin_wait_1 || state == State::fin_wait_2;
    // Behind the peer's FIN no update is due, and the probe that follows draws an ACK that looks like one.
    c.absorb_window_updates = open || now != state;
    c.user_receive(unread(c) - (open ? 0 : 1));
    if (!c.absorb_window_updates) c.allow({.flags = ACK}, ack_delay);
  }
  confirm(t, state, now);
}

/// WND-UPD with octets that wait for it: they come at once, and with them the FIN that waits behind.
void window_opens(Tester& t, State state) {
  Conn& c = t.c();
  bring(t, state, Role::passive, {.blocked = true});
  t.step("the window opens");
  c.window = 1000;
  c.send({.ack = c.U, .flags = ACK});
  const Received got = c.expect_loose(
      {.seq = c.S, .ack = c.R, .payload = c.user_text(20, 50), .flags_set = ACK, .flags_clear = SYN | RST | URG});
  if (state != State::established && state != State::close_wait && !got.has(FIN)) c.expect_fin();
  if (state == State::established || state == State::close_wait) t.check(!got.has(FIN), "a FIN without CLOSE");
  c.expect_status(state);
  c.send_ack();
  t.expect_nothing();
  confirm(t, state,
          state == State::fin_wait_1 ? State::fin_wait_2
          : state == State::closing  ? State::time_wait
          : state == State::last_ack ? State::closed
                                     : state);
}

/// ZWIN: the octet is not taken, the ACK that it carries is.
void zero_window_ack(Tester& t, State state) {
  Conn& c = t.c();
  bring(t, state, Role::passive, {.outstanding = true, .full = true});
  const std::uint32_t all = c.iss + 1 + static_cast<std::uint32_t>(c.user_supplied);
  if (fin_waits(c, state)) t.inapplicable("the case needs a FIN behind text that is out (choice flight)");
  t.step("one octet beyond the closed window, with the ACK of all text");
  c.send(text(c, c.R, 1, all));
  if (t.may("beyond_window", "taken")) {
    c.expect_one_of({{.ack = c.R, .flags = ACK}, {.ack = c.R + 1, .flags = ACK}}, ack_delay);
  } else {
    t.check_equal(unsigned{*c.expect_ack().window}, 0U, "the window");
  }
  c.expect_status(state);
  t.step("the text is not repeated");
  c.user_receive(unread(c));
  if (state == State::established) t.expect_nothing(25_s);
  if (state == State::fin_wait_1) c.expect_fin_again(25_s);
  confirm(t, state, state);
}

/// A SYN in TIME_WAIT beyond the old incarnation opens the next one (MAY-2, RFC 6191 without timestamps).
void reopened(Tester& t, std::uint32_t beyond, bool opens) {
  Conn& c = t.c();
  bring(t, State::time_wait, Role::passive);
  c.forget_notifications();
  const std::uint32_t old_s = c.S;
  const std::uint32_t at = c.R + beyond;
  if (!opens) {
    c.send({.seq = at, .flags = SYN});
    c.allow({.flags = ACK}, ack_delay);
    confirm(t, State::time_wait, State::time_wait);
    return;
  }
  c.restart(at);
  c.send_syn();
  c.expect_syn_ack();
  t.check(seq_lt(old_s - 1, c.iss), "the new ISS is not beyond the sequence numbers of the old incarnation");
  confirm(t, State::time_wait, State::syn_received);
}

/// The choices of RFC 5961, RFC 1337 and MAY-2 that the outcomes of a row depend on.
std::set<std::string> matters(const Row& row, State state, const std::string& profile) {
  const std::string event = row.event;
  std::set<std::string> out;
  if (row.profiles == profile) {  // other profiles have other outcomes
    if (event.starts_with("RST")) out.insert("RST5961");
    if (event.starts_with("SYN")) out.insert("SYN5961");
    if (event == "ACK-OLD") out.insert("ACK5961");
  }
  if (state == State::time_wait) {
    if (event.starts_with("RST")) out.insert("RFC1337");
    if (event.starts_with("SYN")) out.insert("TW_REUSE");
  }
  return out;
}

/// Under `base` once more across the wrap. What the outcomes do not depend on is a wish, but where the same exchange is
/// a row under `base` and `rfc5961` a device that can't switch runs it under one of them: `base` when it can have that.
void add_row(Registry& r, Case one, const std::set<std::string>& needs, bool both) {
  std::set<std::string> wishes = calm_wishes();
  for (const char* name : {"RST5961", "SYN5961", "ACK5961", "RFC1337", "TW_REUSE"}) {
    if (!needs.contains(name)) wishes.insert(name);
  }
  one.wishes = wishes;
  if (both && one.profile == "rfc5961") one.same_as = "base";
  if (one.profile != "base") return r.add(std::move(one));
  Case wrapped = one;
  for (const char* name : {"RST5961", "SYN5961", "ACK5961", "RFC1337"}) {
    if (both) one.wishes.erase(name);
  }
  r.add(std::move(one));
  r.add_wrap(std::move(wrapped));
}

std::string describe(const std::string& event, State state, Role role, const std::string& profile,
                     const std::string& cell) {
  std::string text = "The stimuli of the catalogue's event " + event + " in ";
  text += to_string(state);
  text += std::string(" (") + to_string(role) + " open), profile ";
  text += profile;
  text += ". Legal: ";
  text += cell;
  text +=
      " in the notation of the transition table; nothing else is sent, delivered or told, and the next state is "
      "confirmed by STATUS and its probe.";
  return text;
}

}  // namespace

void register_transitions_segments(Registry& r) {
  std::map<std::string, int> seen;
  for (const Row& row : table()) {
    for (std::size_t n = 0; n < columns.size(); ++n) {
      const State state = columns[n];
      const std::string cell = row.cells[n];
      if (cell == "-") continue;
      const std::vector<Outcome> legal = parse_cell(cell);
      const bool moves = std::any_of(legal.begin(), legal.end(),
                                     [](const Outcome& o) { return o.next != State::unknown || o.octets > 0; }) ||
                         row.past.outstanding || legal[0].send == "SA";
      std::vector<std::vector<Named>> groups;
      if (moves) {
        for (const Named& s : row.stimuli) groups.push_back({s});
      } else {
        groups.push_back(row.stimuli);
      }
      for (const std::string& profile : words(row.profiles)) {
        std::vector<Role> roles = {state == State::syn_sent ? Role::active : Role::passive};
        const std::string origin = row.origin;
        if (origin == "active") roles = {Role::active};
        if (origin.empty() && state == State::syn_received) roles.push_back(Role::active);
        for (const Role role : roles) {
          for (const std::vector<Named>& stimuli : groups) {
            std::string id = "transitions/" + row_name(state) + "/" + row.event + "/" + profile;
            if (state == State::syn_received) id += std::string("/") + to_string(role);
            std::string variant = stimuli.size() == 1 ? stimuli[0].name : row.past.outstanding ? "outstanding" : "";
            if (!variant.empty()) id += "/" + variant;
            if (seen[id]++ != 0) id += "-" + std::to_string(seen[id]);
            std::vector<std::string> rules = {"ST-" + row_name(state) + "-" + row.event};
            rules.insert(rules.end(), row.rules.begin(), row.rules.end());
            const std::string event = row.event;
            Settings settings = calm();
            if (profile == "default") {
              settings.insert(settings.end(), {{"RST5961", 1}, {"RFC1337", 1}});
            } else {
              settings.emplace_back("TW_REUSE", 0);
            }
            const std::set<std::string> needs = matters(row, state, profile);
            Level level = Level::must;
            if (event == "ACK-OLD" && n >= 4) level = Level::may;
            if ((event == "TXT-OOO" || event == "FIN-OOO") && n >= 4 && n <= 6) level = Level::should;
            Case one = {
                .id = id,
                .title = event + " in " + to_string(state) + (variant.empty() ? "" : ", " + variant),
                .rules = rules,
                .description = describe(event, state, role, profile, cell),
                .run = [state, role, row, stimuli, legal](Tester& t) { run_row(t, state, role, row, stimuli, legal); },
                .level = level,
                .profile = profile,
                .settings = settings};
            add_row(r, std::move(one), needs, std::string(row.profiles) == all_profiles || event == "ACK-FUT");
          }
        }
      }
    }
  }
  for (const State state :
       {State::established, State::fin_wait_1, State::close_wait, State::closing, State::last_ack}) {
    r.add({.id = "transitions/" + row_name(state) + "/WND-UPD/blocked",
           .title = std::string("WND-UPD in ") + to_string(state) + " with octets that wait for it",
           .rules = {"ST-" + row_name(state) + "-WND-UPD", "RFC9293-3.10.7.4-4"},
           .description = "The peer's window was 0 and 50 octets wait; <SEQ=R><ACK=U> with a window of 1000 releases "
                          "them at once, and the FIN behind them when the user has closed.",
           .run = [state](Tester& t) { window_opens(t, state); },
           .settings = calm(),
           .wishes = calm_wishes()});
  }
  for (const State state : {State::established, State::fin_wait_1}) {
    r.add({.id = "transitions/" + row_name(state) + "/ZWIN/ack",
           .title = std::string("ZWIN in ") + to_string(state) + ": the ACK counts",
           .rules = {"ST-" + row_name(state) + "-ZWIN"},
           .description = "With the receive window closed one octet that acknowledges outstanding text: the octet is "
                          "refused, the ACK is taken, nothing is repeated.",
           .run = [state](Tester& t) { zero_window_ack(t, state); },
           .settings = calm(),
           .wishes = calm_wishes()});
  }
  const struct {
    const char* event;
    const char* name;
    std::uint32_t beyond;
    bool opens;
  } reuse[] = {{"SYN-IN", "tw-reuse", 1, true},
               {"SYN-OUT", "tw-reuse-above", 66'535, true},
               {"SYN-OUT", "tw-reuse-old", 0xFFFFFFFFU - 20, false}};
  Settings reuse_on = calm();
  reuse_on.emplace_back("TW_REUSE", 1);
  for (const auto& entry : reuse) {
    const auto [event, name, beyond, opens] = entry;
    r.add({.id = std::string("transitions/TIME-WAIT/") + event + "/default/" + name,
           .title =
               opens ? "TIME_WAIT: a SYN beyond the old incarnation opens anew" : "TIME_WAIT: an old SYN does not open",
           .rules = {std::string("ST-TIME-WAIT-") + event, "MAY-2"},
           .description = opens
                              ? "SYN above RCV.NXT with a listener there: SYN,ACK with an ISS beyond the old numbers; "
                                "the new incarnation transfers."
                              : "SYN below RCV.NXT: silence or <SEQ=S><ACK=R>, and TIME_WAIT lives on.",
           .run = [beyond = beyond, opens = opens](Tester& t) { reopened(t, beyond, opens); },
           .level = Level::may,
           .settings = reuse_on,
           .wishes = calm_wishes()});
  }
}

}  // namespace tiptoe::conformance::cases
