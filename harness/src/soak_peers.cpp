// SPDX-License-Identifier: Apache-2.0
#include "soak_peers.hpp"

#include <algorithm>
#include <utility>

namespace tiptoe {

SoakPeers::Peer* SoakPeers::find(const Segment& s) {
  for (Peer& p : peers_) {
    if (p.device == *s.src && p.peer == *s.dst && p.device_port == *s.src_port && p.peer_port == *s.dst_port) return &p;
  }
  return nullptr;
}

SoakPeers::Peer& SoakPeers::add_peer(std::uint32_t device, std::uint16_t device_port, std::uint32_t peer,
                                     std::uint16_t port) {
  if (peers_.size() >= 3 * w_.options.dut.conns)
    peers_.erase(peers_.begin() + static_cast<std::ptrdiff_t>(w_.random.below(peers_.size())));
  Peer p;
  p.device = device, p.device_port = device_port, p.peer = peer, p.peer_port = port;
  p.to_device = flow_id(peer, port, device, device_port);
  p.from_device = flow_id(device, device_port, peer, port);
  restart(p);
  peers_.push_back(p);
  return peers_.back();
}

void SoakPeers::restart(Peer& p) {
  p.iss = w_.pick<std::uint32_t>({w_.random.u32(), w_.random.u32(),
                                  0xFFFF'FFFF - static_cast<std::uint32_t>(w_.random.below(3000)),
                                  0x7FFF'FFFF - static_cast<std::uint32_t>(w_.random.below(3000)), 0});
  p.snd_nxt = p.iss + 1, p.snd_una = p.iss;
  p.mss = w_.pick<std::uint16_t>({0, 1, 60, 536, 1460, 1460, 1460, 8960});
  p.synchronized = p.fin_sent = p.fin_received = false;
  p.mute = !w_.calm && w_.one_in(10);
}

void SoakPeers::transmit(const Segment& s) { w_.wire->push(s.build(), w_.device.cycle()); }

Segment SoakPeers::from(const Peer& p, std::uint32_t seq, std::uint8_t flags, std::size_t text) {
  Segment s{.src = p.peer,
            .dst = p.device,
            .src_port = p.peer_port,
            .dst_port = p.device_port,
            .seq = seq,
            .ack = (flags & ACK) != 0 ? p.rcv_nxt : 0,
            .flags = flags,
            .window = peer_window()};
  if (text != 0) {
    s.payload = Bytes(text);
    fill_flow(*s.payload, p.to_device, seq + ((flags & SYN) != 0 ? 1U : 0U));
  }
  s.id = static_cast<std::uint16_t>(w_.random());
  if (w_.one_in(20)) s.ip_options = Bytes(1 + w_.random.below(40), 1);
  if (w_.one_in(20) && (flags & SYN) == 0) s.options = options(0);
  if (w_.one_in(20)) s.trailer = Bytes(1 + w_.random.below(30), 0xEE);
  return s;
}

std::uint16_t SoakPeers::peer_window() {
  return w_.pick<std::uint16_t>({65535, 65535, 32768, 4096, 1460, 536, 1, 0, static_cast<std::uint16_t>(w_.random())});
}

Options SoakPeers::options(std::uint16_t mss) {
  Options o;
  while (o.bytes.size() < 36 && !w_.one_in(3)) {
    switch (w_.random.below(9)) {
      case 0: o.nop(); break;
      case 1: o.wscale(static_cast<std::uint8_t>(w_.random())); break;
      case 2: o.sack_permitted(); break;
      case 3:
        if (o.bytes.size() <= 26) o.timestamps(w_.random.u32(), w_.random.u32());
        break;
      case 4: o.unknown(static_cast<std::uint8_t>(2 + w_.random.below(250)), Bytes(w_.random.below(4))); break;
      case 5: o.kind(2); break;  // an MSS without its length, or whatever follows
      case 6:
        if (w_.hostility > 1) o.kind(77), o.kind(static_cast<std::uint8_t>(w_.random.below(3)));
        break;
      case 7:
        if (w_.one_in(4)) o.eol();
        break;
      default:
        if (mss != 0) o.mss(mss);
        break;
    }
  }
  if (mss != 0 && o.bytes.size() <= 36 && !w_.one_in(8)) o.mss(mss);
  if (o.bytes.size() > 40) o.bytes.resize(40);
  return o;
}

std::size_t SoakPeers::text_length() {
  switch (w_.random.below(10)) {
    case 0:
    case 1: return 1;
    case 2:
    case 3: return 1 + w_.random.below(20);
    case 4:
    case 5:
    case 6: return 1460;
    case 7: return 536;
    case 8: return 1 + w_.random.below(1460);
    default: return 1 + w_.random.below(1960);
  }
}

void SoakPeers::syn(Peer& p, std::uint8_t flags) {
  Segment s = from(p, p.iss, flags, w_.one_in(20) ? 1 + w_.random.below(30) : 0);
  s.options = options(p.mss);
  if ((flags & SYN) != 0 && !w_.one_in(10)) s.window = w_.pick<std::uint16_t>({65535, 8192, 1000});
  if (s.payload && s.payload->size() + s.options->bytes.size() > 1500) s.payload.reset();
  transmit(s);
}

void SoakPeers::react(const Segment& s) {
  Peer* found = find(s);
  if (found == nullptr) {
    if (!s.has(SYN) || s.has(ACK) || s.has(RST)) return;
    found = &add_peer(*s.src, *s.src_port, *s.dst, *s.dst_port);
  }
  Peer& p = *found;
  if (s.has(RST)) {
    if (w_.one_in(4))
      restart(p);
    else
      peers_.erase(peers_.begin() + (found - peers_.data()));
    return;
  }
  p.window = *s.window;
  if (s.has(SYN)) {
    if (!s.has(ACK) && !p.synchronized && p.snd_una != p.iss) restart(p);
    p.rcv_nxt = *s.seq + 1;
    if (s.has(ACK)) {
      if (seq_lt(p.snd_una, *s.ack) && seq_le(*s.ack, p.snd_nxt)) p.snd_una = *s.ack;
      p.synchronized = true;
      switch (w_.random.below(16)) {
        case 0: break;
        case 1:
          if (w_.hostility > 1) transmit(from(p, *s.ack, RST));
          break;
        case 2: transmit(from(p, p.iss + 1, ACK, 1)), note_sent(p, p.iss + 2); break;
        case 3:
          if (w_.hostility > 1) syn(p, SYN | ACK);
          break;
        default: transmit(from(p, p.iss + 1, ACK)); break;
      }
    } else {
      switch (w_.random.below(24)) {
        case 0: break;
        case 1: transmit(from(p, 0, RST | ACK)); break;
        case 2:
        case 3:
        case 4: syn(p, SYN); break;  // simultaneous open
        case 5: {
          Segment bad = from(p, p.iss, SYN | ACK);
          bad.ack = p.rcv_nxt + 1 - static_cast<std::uint32_t>(w_.random.below(3));
          transmit(bad);
          break;
        }
        default: syn(p, SYN | ACK), p.synchronized = true; break;
      }
    }
    return;
  }
  if (s.has(ACK) && seq_lt(p.snd_una, *s.ack) && seq_le(*s.ack, p.snd_nxt)) p.snd_una = *s.ack;
  const bool in_order = *s.seq == p.rcv_nxt;
  if (in_order && s.length() > 0) {
    w_.result.text_out += s.text_length();
    p.rcv_nxt += s.length();
    if (s.has(FIN)) p.fin_received = true;
  }
  if (p.mute || s.length() == 0) return;
  const std::uint64_t copies = in_order ? (w_.one_in(4) ? 0 : 1) : w_.pick<std::uint64_t>({0, 1, 1, 1, 3});
  for (std::uint64_t i = 0; i < copies; ++i) {
    Segment ack = from(p, p.snd_nxt, ACK);
    if (!in_order || !w_.one_in(8)) ack.window = 65535;
    transmit(ack);
  }
  if (s.has(FIN) && in_order && (w_.calm || w_.one_in(2))) fin(p);
}

void SoakPeers::note_sent(Peer& p, std::uint32_t end) {
  if (seq_lt(p.snd_nxt, end)) p.snd_nxt = end;
}

void SoakPeers::fin(Peer& p) {
  const std::size_t text = w_.one_in(3) ? text_length() : 0;
  transmit(from(p, p.snd_nxt, FIN | ACK, text));
  if (!p.fin_sent) note_sent(p, p.snd_nxt + static_cast<std::uint32_t>(text) + 1), p.fin_sent = true;
}

void SoakPeers::act() {
  if (w_.device.datagrams_waiting() > 12) return;
  if (w_.sniper != 0 && w_.one_in(w_.sniper)) return snipe();
  if (peers_.empty() || w_.one_in(w_.churn == 0 ? 30 : 12 / w_.churn)) {
    Peer& p = add_peer(w_.device_address(),
                       w_.one_in(12) ? 7777 : w_.listen_port(static_cast<unsigned>(w_.random.below(w_.ports))),
                       w_.peer_address(), w_.peer_port());
    syn(p, SYN);
    return;
  }
  Peer& p = peers_[w_.one_in(2) ? peers_.size() - 1 - w_.random.below(std::min<std::size_t>(peers_.size(), 4))
                                : w_.random.below(peers_.size())];
  const std::uint32_t window = std::max<std::uint32_t>(p.window, 1);
  const std::uint64_t what = w_.random.below(w_.hostility == 0 ? 40 : 40 + 2 * w_.hostility);
  switch (what) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9: {  // text in order
      const std::size_t burst = w_.one_in(4) ? 1 + w_.random.below(6) : 1;
      for (std::size_t i = 0; i < burst; ++i) {
        std::size_t text = text_length();
        if (!w_.one_in(8)) {  // mostly no more than the device will take
          const std::uint32_t in_flight = p.snd_nxt - p.snd_una;
          const std::uint32_t room = p.window > in_flight ? p.window - in_flight : 0;
          text = p.fin_sent ? 0 : std::min<std::size_t>(text, room);
        }
        transmit(from(p, p.snd_nxt, w_.one_in(2) ? ACK : ACK | PSH, text));
        if (!p.fin_sent) p.snd_nxt += static_cast<std::uint32_t>(text);
      }
      break;
    }
    case 10:
    case 11:
    case 12:  // a hole
      transmit(from(p, p.snd_nxt + static_cast<std::uint32_t>(1 + w_.random.below(3000)), ACK, text_length()));
      break;
    case 13:
    case 14:
    case 15: {  // again, overlapping
      const std::uint32_t back = static_cast<std::uint32_t>(w_.random.below(3000));
      const std::size_t text = text_length();
      transmit(from(p, p.snd_nxt - back, ACK, text));
      if (!p.fin_sent) note_sent(p, p.snd_nxt - back + static_cast<std::uint32_t>(text));
      break;
    }
    case 16:
    case 17:
    case 18: transmit(from(p, p.snd_una, ACK, text_length())); break;  // retransmission
    case 19:
    case 20:
    case 21:
    case 22: transmit(from(p, p.snd_nxt, ACK)); break;  // window update or duplicate
    case 23:
      for (int i = 0; i < 4; ++i) {
        Segment s = from(p, p.snd_nxt, ACK);
        s.window = 65535;
        transmit(s);
      }
      break;
    case 24:
    case 25: fin(p); break;
    case 26: {  // close to the right edge of the window
      const std::uint32_t seq = p.snd_una + window - 3 + static_cast<std::uint32_t>(w_.random.below(6));
      transmit(from(p, seq, w_.one_in(4) ? ACK | FIN : ACK, w_.random.below(5)));
      break;
    }
    case 27: transmit(from(p, p.snd_una - 1, ACK, w_.random.below(2))); break;  // keepalive, zero-window probe
    case 28: {
      Segment s = from(p, p.snd_nxt, ACK);
      s.ack = p.rcv_nxt - static_cast<std::uint32_t>(w_.random.below(4000));  // old acknowledgment
      transmit(s);
      break;
    }
    case 29: {
      Segment s = from(p, p.snd_nxt, ACK | URG, text_length());
      s.urgent = static_cast<std::uint16_t>(w_.random.below(3));
      transmit(s);
      break;
    }
    case 30: p.mute = !w_.calm && !p.mute; break;
    case 31:  // the same tuple again
      if (w_.one_in(3)) {
        restart(p);
        if (w_.one_in(2))
          p.iss = p.snd_una + static_cast<std::uint32_t>(w_.random.below(100'000)), p.snd_nxt = p.iss + 1;
        syn(p, SYN);
      }
      break;
    case 32:
      if (w_.one_in(2)) transmit(from(p, p.snd_nxt, RST)), restart(p);
      break;
    case 33: {
      Segment s = from(p, p.snd_nxt, ACK);
      s.ack = p.rcv_nxt +
              static_cast<std::uint32_t>(w_.random.below(w_.one_in(2) ? 2 : 5000));  // partial in flight, future
      transmit(s);
      break;
    }
    case 34: {  // one octet at a time, out of order: fills the ranges
      for (int i = 0; i < 6; ++i) {
        transmit(from(p, p.snd_nxt + 2 * static_cast<std::uint32_t>(w_.random.below(8)), ACK, 1 + w_.random.below(3)));
      }
      break;
    }
    case 35:
    case 36:
    case 37:
    case 38:
    case 39: break;
    default: hostile(p, window); break;
  }
}

void SoakPeers::hostile(Peer& p, std::uint32_t window) {
  const auto any_flags = [&] { return static_cast<std::uint8_t>(w_.random()); };
  switch (w_.random.below(14)) {
    case 0: transmit(from(p, p.snd_una + static_cast<std::uint32_t>(w_.random.below(window)), RST | ACK)); break;
    case 1: transmit(from(p, p.snd_una + window + static_cast<std::uint32_t>(w_.random.below(3)) - 1, RST)); break;
    case 2: transmit(from(p, w_.random.u32(), RST)); break;
    case 3: transmit(from(p, p.snd_una + static_cast<std::uint32_t>(w_.random.below(window)), SYN)); break;
    case 4: transmit(from(p, w_.random.u32(), SYN | ACK)); break;
    case 5: transmit(from(p, p.snd_nxt, any_flags(), 0)); break;
    case 6: {
      const std::uint32_t seq = p.snd_una + static_cast<std::uint32_t>(w_.random.below(window));
      const auto flags = static_cast<std::uint8_t>(any_flags() & ~SYN);
      transmit(from(p, seq, flags, w_.random.below(50)));
      break;
    }
    case 7: {
      Segment s = from(p, p.snd_nxt, ACK);
      s.ack = w_.random.u32();
      transmit(s);
      break;
    }
    case 8: transmit(from(p, w_.random.u32(), ACK, text_length())); break;
    case 9: transmit(from(p, p.snd_nxt, 0, w_.random.below(20))); break;
    case 10: {  // nobody's segment
      Peer stranger;
      stranger.device = w_.device_address(), stranger.device_port = static_cast<std::uint16_t>(w_.random.below(100));
      stranger.peer = w_.peer_address(), stranger.peer_port = 9;
      stranger.rcv_nxt = w_.random.u32();
      transmit(from(stranger, w_.random.u32(), static_cast<std::uint8_t>(any_flags() & ~SYN), w_.random.below(9)));
      break;
    }
    default: malformed(p); break;
  }
}

/// Aims with the device's own record: numbers at and around every edge that the rules know.
void SoakPeers::snipe() {
  static const RecordField &lip = soak_field("lip"), &lport = soak_field("lport"), &rip = soak_field("rip"),
                           &rport = soak_field("rport"), &rcv_nxt = soak_field("rcv_nxt"),
                           &rcv_adv = soak_field("rcv_adv"), &snd_una = soak_field("snd_una"),
                           &snd_nxt = soak_field("snd_nxt"), &snd_end = soak_field("snd_end"), &irs = soak_field("irs"),
                           &iss = soak_field("iss"), &fin_seq = soak_field("fin_seq"),
                           &ooo_start = soak_field("ooo0.start"), &ooo_end = soak_field("ooo0.end"),
                           &max_wnd = soak_field("max_snd_wnd");
  const SoakShadow* t = w_.target();
  if (t == nullptr) return;
  const auto get = [&](const RecordField& f) { return static_cast<std::uint32_t>(packed_field(t->record, f)); };
  const auto near = [&] { return static_cast<std::uint32_t>(w_.random.below(3)) - 1; };
  Peer p;
  p.device = get(lip), p.device_port = static_cast<std::uint16_t>(get(lport));
  p.peer = get(rip), p.peer_port = static_cast<std::uint16_t>(get(rport));
  p.to_device = flow_id(p.peer, p.peer_port, p.device, p.device_port);
  p.rcv_nxt = w_.one_in(2) ? get(snd_nxt)
                           : w_.pick<std::uint32_t>({get(snd_una), get(snd_nxt), get(snd_end), get(snd_end) + 1,
                                                     get(iss), get(snd_una) - get(max_wnd), get(snd_una) + 1460}) +
                                 near();
  const std::uint32_t seq =
      w_.one_in(2) ? get(rcv_nxt)
                   : w_.pick<std::uint32_t>({get(rcv_nxt), get(rcv_adv), get(irs), get(fin_seq), get(ooo_start),
                                             get(ooo_end), get(rcv_nxt) + 0x7FFF'FFFF, get(rcv_nxt) + 100'000}) +
                         near();
  std::uint8_t flags = ACK;
  if (w_.one_in(5)) flags = ACK | FIN;
  if (w_.hostility > 1 && w_.one_in(6)) {
    flags =
        w_.pick<std::uint8_t>({RST, RST | ACK, SYN, SYN | ACK, SYN | FIN, 0, URG | ACK, 0xFF, FIN, RST | SYN | ACK});
  }
  if (t->state == 10 && w_.one_in(2)) flags = w_.pick<std::uint8_t>({SYN, SYN, RST, FIN | ACK, RST | ACK});
  const std::size_t text = w_.one_in(2) ? 0 : w_.pick<std::size_t>({1, 1, 2, 3, 536, 1460});
  Segment s = from(p, seq, flags, (flags & SYN) != 0 && w_.one_in(2) ? 0 : text);
  if ((flags & SYN) != 0) s.options = options(1460);
  if ((flags & URG) != 0) s.urgent = static_cast<std::uint16_t>(w_.random.below(2));
  if (s.options && s.options->bytes.size() + text > 1900) s.options.reset();
  const std::size_t times = w_.one_in(10) ? 4 : 1;
  for (std::size_t i = 0; i < times; ++i) transmit(s);
}

void SoakPeers::malformed(Peer& p) {
  Segment s = from(p, p.snd_nxt, ACK, w_.random.below(60));
  switch (w_.random.below(18)) {
    case 0: s.corrupt_checksum = true; break;
    case 1: s.corrupt_ip_checksum = true; break;
    case 2: s.ip_version = static_cast<std::uint8_t>(w_.random()); break;
    case 3: s.ihl = static_cast<std::uint8_t>(w_.random.below(5)); break;
    case 4: s.ihl = 15; break;
    case 5: s.trailer.reset(), s.total_length = static_cast<std::uint16_t>(w_.random.below(70)); break;
    case 6: s.trailer.reset(), s.total_length = static_cast<std::uint16_t>(w_.random()); break;
    case 7: s.mf = true; break;
    case 8: s.fragment_offset = static_cast<std::uint16_t>(1 + w_.random.below(8000)); break;
    case 9: s.protocol = static_cast<std::uint8_t>(w_.random()); break;
    case 10: s.dst = w_.random.u32(); break;
    case 11: s.src = w_.pick<std::uint32_t>({0, 0x7F00'0001, 0xE000'0001, 0xFFFF'FFFF, p.device}); break;
    case 12: s.data_offset = static_cast<std::uint8_t>(w_.random.below(5)); break;
    case 13:
      s.payload = Bytes(), s.options.reset(), s.trailer.reset(),
      s.data_offset = static_cast<std::uint8_t>(6 + w_.random.below(10));
      break;
    case 14: {  // too long for a slot
      s.payload = Bytes(2040 + w_.random.below(200));
      fill_flow(*s.payload, p.to_device, *s.seq);
      break;
    }
    case 15: {  // cut off
      Bytes octets = s.build();
      octets.resize(1 + w_.random.below(octets.size()));
      w_.wire->push(std::move(octets), w_.device.cycle());
      return;
    }
    case 16: {  // noise
      Bytes octets(1 + w_.random.below(80));
      for (auto& octet : octets) octet = static_cast<std::uint8_t>(w_.random());
      w_.wire->push(std::move(octets), w_.device.cycle());
      return;
    }
    default: {  // total length just so that a TCP header does not fit
      s.total_length = static_cast<std::uint16_t>(20 + w_.random.below(22));
      s.ip_options.reset(), s.trailer.reset();
      break;
    }
  }
  transmit(s);
}

}  // namespace tiptoe
