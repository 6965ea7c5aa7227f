// SPDX-License-Identifier: Apache-2.0
//
// Seeded faults: deliberate mistakes, each one flipped rule, that real implementations have made or could make. They
// exist to prove that every conformance case can fail. At most one is active in a model; `none` is the golden model.
//
//   Faults f{fault_by_id("rst_anywhere_in_window")};
//   Decision d = process(record, deadlines, event, config, f);
//
// X(id, "what the fault does", "the rule that it breaks, or the known problem that it repeats")
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tiptoe::tcp {

// clang-format off
#define TIPTOE_PROTOCOL_FAULTS(X) \
  /* Opening */ \
  X(isn_constant, "Every connection starts at the same initial sequence number.", "RFC 9293 3.4.1 MUST-8; RFC 6528 3") \
  X(isn_not_clocked, "The initial sequence number is the keyed hash alone, without the clock.", "RFC 9293 3.4.1 MUST-8; RFC 6528 3") \
  X(isn_same_for_all_tuples, "The initial sequence number is the clock alone, without the keyed hash of the addresses.", "RFC 9293 3.4.1 SHLD-1; RFC 6528 3") \
  X(mss_option_missing, "SYN and SYN,ACK carry no MSS option.", "RFC 9293 3.7.1 SHLD-5") \
  X(mss_option_ignored, "The peer's MSS option is ignored; 536 is used.", "RFC 9293 3.7.1 MUST-14, MUST-16") \
  X(mss_default_1460, "Without an MSS option of the peer 1460 is assumed instead of 536.", "RFC 9293 3.7.1 MUST-15") \
  X(mss_own_mtu_ignored, "Segments are as large as the peer allows, whatever the own MTU is.", "RFC 9293 3.7.1 MUST-16") \
  X(mss_headers_not_subtracted, "The MSS that is advertised is the MTU, without room for the headers.", "RFC 2525 2.18; RFC 6691 2") \
  X(syn_not_retransmitted, "A lost SYN is not sent again.", "RFC 9293 3.8.1; ST-SYN-SENT-TO-RTX") \
  X(syn_ack_not_retransmitted, "A lost SYN,ACK is not sent again.", "RFC 9293 3.8.1; ST-SYN-RECEIVED-TO-RTX") \
  X(syn_rto_not_doubled, "SYN and SYN,ACK are repeated at a constant interval.", "RFC 6298 5.5; RFC 2525 2.10") \
  X(syn_retransmitted_new_isn, "A repeated SYN carries another sequence number.", "RFC 9293 3.8.1") \
  X(syn_rtx_rto_not_3s, "After a retransmitted SYN the RTO is not reset to 3 seconds.", "RFC 6298 5.7") \
  X(simultaneous_open_gives_up, "A SYN that crosses the own SYN is answered by RST and ends the attempt.", "RFC 9293 3.5 MUST-10") \
  X(simultaneous_open_no_syn, "A SYN that crosses the own SYN is answered by a plain ACK instead of SYN,ACK.", "RFC 9293 3.10.7.3") \
  X(syn_sent_bad_ack_accepted, "A SYN,ACK that acknowledges something never sent opens the connection.", "RFC 9293 3.10.7.3") \
  X(syn_sent_bad_ack_silent, "A wrong acknowledgment in SYN_SENT is dropped without RST.", "RFC 9293 3.10.7.3") \
  X(syn_sent_rst_without_ack, "A RST without an acceptable ACK ends SYN_SENT.", "RFC 9293 3.10.7.3") \
  X(syn_sent_rst_ignored, "An acceptable RST does not end SYN_SENT.", "RFC 9293 3.10.7.3") \
  X(syn_sent_ack_alone_opens, "An ACK without SYN opens the connection in SYN_SENT.", "RFC 9293 3.10.7.3") \
  X(syn_received_bad_ack_silent, "A wrong acknowledgment in SYN_RECEIVED is dropped without RST.", "RFC 9293 3.10.7.4 fifth") \
  X(syn_received_bad_ack_accepted, "Any acknowledgment completes the handshake in SYN_RECEIVED.", "RFC 9293 3.10.7.4 fifth") \
  X(handshake_ack_missing, "The SYN,ACK of the peer is not acknowledged.", "RFC 9293 3.10.7.3") \
  /* No connection, LISTEN */ \
  X(closed_silent, "A segment for no connection draws no RST.", "RFC 9293 3.10.7.1") \
  X(closed_rst_wrong_ack, "The RST for a segment without ACK acknowledges SEG.SEQ instead of SEG.SEQ+SEG.LEN.", "RFC 9293 3.10.7.1") \
  X(closed_rst_wrong_seq, "The RST for a segment with ACK has sequence number 0 instead of SEG.ACK.", "RFC 9293 3.10.7.1") \
  X(rst_answered_by_rst, "A RST for no connection is answered by a RST.", "RFC 9293 3.10.7.1") \
  X(listen_ack_silent, "An ACK for a listening port draws no RST.", "RFC 9293 3.10.7.2") \
  X(backlog_ignored, "A listener takes connections beyond its backlog.", "RFC 9293 3.10.1; RFC 4987 2.1") \
  X(full_backlog_answered_by_rst, "A SYN that finds the backlog full is answered by RST instead of silence.", "RFC 4987 2.1") \
  X(orphan_kept, "A connection whose listener is closed stays and is never reset.", "RFC 9293 3.10.4") \
  X(orphan_kept_while_silent, "A connection whose listener is closed stays as long as its peer is silent.", "RFC 9293 3.10.4; known defect: entries that never come back") \
  X(unaccepted_given_up, "A connection that nobody accepts for a second is reset.", "RFC 9293 3.10.4") \
  /* Sequence check */ \
  X(seq_not_wrap_safe, "The acceptance test compares sequence numbers as plain numbers.", "RFC 9293 3.4") \
  X(window_edge_off_by_one, "One octet beyond the right edge of the receive window is accepted.", "RFC 9293 3.10.7.4 first, Table 6") \
  X(zero_window_data_accepted, "With a receive window of zero one octet of data is taken all the same.", "RFC 9293 3.10.7.4 first, Table 6") \
  X(zero_window_ack_ignored, "With a receive window of zero the ACK field of a probe is not processed.", "RFC 9293 3.10.7.4 first") \
  X(out_of_window_silent, "An unacceptable segment draws no ACK.", "RFC 9293 3.10.7.4 first") \
  X(out_of_window_rst, "An unacceptable segment draws a RST.", "RFC 9293 3.5.2 group 3") \
  X(window_probe_deadlock, "With a receive window of zero pure ACKs are taken as outside the window.", "RFC 2525 2.12") \
  /* RST */ \
  X(rst_anywhere_in_window, "A RST anywhere in the window resets although RFC 5961 is on.", "RFC 5961 3.2") \
  X(rst_outside_window, "A RST with any sequence number resets the connection.", "RFC 9293 3.5.3; RFC 5961 3.2") \
  X(rst_exact_ignored, "A RST with exactly RCV.NXT is ignored.", "RFC 9293 3.5.3; RFC 5961 3.2") \
  X(rst_in_window_silent, "A RST in the window, not at RCV.NXT, draws no challenge ACK.", "RFC 5961 3.2") \
  X(syn_received_rst_ignored, "A RST in SYN_RECEIVED is ignored.", "RFC 9293 3.10.7.4 second") \
  X(challenge_ack_wrong_seq, "A challenge ACK carries the sequence number that the offending segment asked for.", "RFC 5961 3.2, 4.2") \
  X(challenge_limit_ignored, "Challenge ACKs are not limited.", "RFC 5961 7") \
  /* SYN */ \
  X(syn_in_window_resets, "A SYN in the window resets the connection although RFC 5961 is on.", "RFC 5961 4.2") \
  X(syn_silent, "A SYN on a synchronized connection draws no challenge ACK.", "RFC 5961 4.2") \
  X(syn_restarts, "A SYN on an established connection restarts it from the new sequence number.", "RFC 9293 3.10.7.4 fourth") \
  /* ACK */ \
  X(ack_off_accepted, "Text of a segment without ACK is taken.", "RFC 9293 3.10.7.4 fifth") \
  X(ack_beyond_snd_nxt_accepted, "An ACK of data never sent is taken as an ACK of all that was sent.", "RFC 9293 3.10.7.4 fifth; RFC 5961 5.2") \
  X(ack_beyond_snd_nxt_silent, "An ACK of data never sent draws no ACK.", "RFC 9293 3.10.7.4 fifth; RFC 5961 5.2") \
  X(ack_too_old_accepted, "Data with an ACK older than SND.UNA - MAX.SND.WND is taken.", "RFC 5961 5.2") \
  X(window_update_wl_ignored, "The send window is taken from old segments too.", "RFC 9293 3.10.7.4 fifth (SND.WL1, SND.WL2)") \
  X(window_update_ignored, "A pure window update does not change the send window.", "RFC 9293 3.10.7.4 fifth") \
  X(send_window_ignored, "Data is sent beyond the peer's window.", "RFC 9293 3.8.6; RFC 5681 3.1") \
  X(urgent_not_signalled, "Urgent data is not signalled to the user.", "RFC 9293 3.8.5 MUST-32") \
  /* Text */ \
  X(ooo_dropped, "Data above a hole is acknowledged by a duplicate ACK, but not kept.", "RFC 2525 2.5; RFC 9293 SHLD-31") \
  X(ooo_one_range, "Only one out-of-order range is kept.", "RFC 9293 SHLD-31") \
  X(ooo_hole_skipped, "Data above a hole is acknowledged and delivered as if the hole were filled.", "RFC 9293 3.10.7.4 seventh") \
  X(ooo_ack_delayed, "Out-of-order data is not acknowledged at once.", "RFC 5681 4.2") \
  X(overlap_delivered_twice, "A segment that begins before RCV.NXT is delivered whole.", "RFC 9293 3.10.7.4 first") \
  X(left_trim_off_by_one, "Of a segment that begins before RCV.NXT the wrong octets are kept (one too early).", "RFC 9293 3.10.7.4 first") \
  X(old_data_silent, "A segment with old data only draws no ACK.", "RFC 9293 3.10.7.4 first") \
  X(delayed_ack_too_long, "Delayed ACKs wait 700 ms.", "RFC 9293 3.8.6.3 MUST-40; RFC 5681 4.2") \
  X(delayed_ack_never, "A delayed ACK is never sent by itself.", "RFC 9293 3.8.6.3 MUST-40") \
  X(ack_every_second_missing, "The second full-sized segment does not draw an ACK at once.", "RFC 9293 3.8.6.3 SHLD-19; RFC 5681 4.2") \
  X(stretch_ack, "Only every fourth segment draws an ACK at once.", "RFC 2525 2.13") \
  X(close_wait_text_accepted, "Text after the peer's FIN is delivered.", "RFC 9293 3.10.7.4 seventh") \
  X(half_close_deaf, "A side that has closed takes no more data.", "RFC 9293 3.6 MUST-13") \
  /* FIN */ \
  X(fin_no_sequence_number, "The peer's FIN does not consume a sequence number.", "RFC 9293 3.4") \
  X(fin_ooo_closes, "A FIN above a hole closes at once.", "RFC 9293 3.10.7.4 eighth") \
  X(fin_dup_silent, "A repeated FIN is not acknowledged.", "RFC 9293 3.10.7.4 eighth") \
  X(fin_not_signalled, "The user is not told that the peer has closed.", "RFC 9293 3.10.7.4 eighth") \
  X(fin_not_retransmitted, "A lost FIN is not sent again.", "RFC 9293 3.8.1; ST-FIN-WAIT-1-TO-RTX") \
  X(fin_retransmission_carries_data, "A retransmitted FIN carries an octet of old data at its own sequence number.", "RFC 9293 3.8.1; RFC 2525 2.4") \
  X(fin_waits_for_acks, "The FIN waits until all data is acknowledged.", "RFC 2525 2.15") \
  X(fin_ack_ignored_fin_wait_1, "The ACK of the own FIN does not lead to FIN_WAIT_2.", "RFC 9293 3.10.7.4 fifth") \
  X(close_discards_data, "CLOSE throws away data that was not sent yet.", "RFC 9293 3.10.4 MUST-12") \
  X(simultaneous_close_to_closed, "In a simultaneous close the connection goes from CLOSING to CLOSED at once.", "RFC 9293 3.6 MUST-13") \
  X(last_ack_waits, "LAST_ACK goes to TIME_WAIT instead of CLOSED.", "RFC 9293 3.10.7.4 fifth") \
  /* TIME_WAIT */ \
  X(time_wait_too_short, "TIME_WAIT lasts one MSL instead of two.", "RFC 9293 3.6.1 MUST-13") \
  X(time_wait_not_restarted, "A repeated FIN does not restart TIME_WAIT.", "RFC 9293 3.10.7.4 eighth") \
  X(time_wait_missing, "The connection goes to CLOSED instead of TIME_WAIT.", "RFC 9293 3.6.1 MUST-13") \
  X(rfc1337_ignored, "A RST ends TIME_WAIT although RFC 1337 is on.", "RFC 1337 fix F1") \
  X(time_wait_reuse_old_isn, "A connection re-opened from TIME_WAIT starts at the old initial sequence number.", "RFC 9293 3.6.1 MAY-2; RFC 6191") \
  X(time_wait_reuse_old_syn, "An old SYN re-opens a connection in TIME_WAIT.", "RFC 9293 3.6.1 MAY-2; RFC 1337 H1") \
  /* Retransmission */ \
  X(rto_not_doubled, "The RTO is not doubled by a timeout.", "RFC 6298 5.5; RFC 2525 2.10") \
  X(initial_rto_too_low, "The first RTO is a tenth of what it should be.", "RFC 6298 2.1; RFC 2525 2.7") \
  X(rto_below_minimum, "The RTO may fall below its minimum.", "RFC 6298 2.4") \
  X(rto_never_adapts, "Round-trip times are not measured.", "RFC 9293 3.8.1 MUST-19; RFC 6298 2") \
  X(rto_kept_after_ack, "A new ACK does not restart the retransmission timer.", "RFC 6298 5.3") \
  X(karn_violated, "Round-trip times are measured with retransmitted segments.", "RFC 6298 3") \
  X(inconsistent_retransmission, "A retransmission carries other octets than the original.", "RFC 2525 2.4") \
  X(retransmission_sends_multiple, "A fast retransmission repeats the whole window.", "RFC 2525 2.14; RFC 5681 3.2") \
  X(retransmission_missing, "Lost data is not sent again.", "RFC 9293 3.8.1") \
  X(out_segs_mixed_missing, "A segment with old and new octets is not counted as sent.", "RFC 4022 tcpOutSegs") \
  X(r2_never, "Retransmission goes on for ever.", "RFC 9293 3.8.3 MUST-20") \
  X(r2_too_early, "The connection is given up after two retransmissions.", "RFC 9293 3.8.3 MUST-20, SHLD-11") \
  X(r1_not_signalled, "The user is not told that R1 was reached.", "RFC 9293 3.8.3 MUST-20, MUST-21") \
  X(user_timeout_ignored, "The user timeout has no effect.", "RFC 9293 3.10.8; RFC 5482") \
  /* Congestion control */ \
  X(no_initial_slow_start, "A new connection starts with a very large congestion window.", "RFC 2525 2.1; RFC 5681 3.1") \
  X(no_slow_start_after_timeout, "After a timeout the congestion window is halved only.", "RFC 2525 2.2; RFC 5681 3.1") \
  X(uninitialised_cwnd, "When the peer's SYN has no MSS option the congestion window starts very large.", "RFC 2525 2.3") \
  X(cwnd_never_grows, "New ACKs do not open the congestion window.", "RFC 5681 3.1") \
  X(extra_additive_constant, "Congestion avoidance adds an eighth of a segment to every ACK.", "RFC 2525 2.6") \
  X(ssthresh_not_halved, "Loss does not lower the slow start threshold.", "RFC 5681 3.1 (4)") \
  X(no_window_deflation, "The congestion window stays inflated after fast recovery.", "RFC 2525 2.8; RFC 5681 3.2") \
  X(dupack_threshold_2, "Two duplicate ACKs start a fast retransmission.", "RFC 5681 3.2") \
  X(dupack_threshold_4, "It takes four duplicate ACKs to start a fast retransmission.", "RFC 5681 3.2") \
  X(dupack_counts_data, "Segments with data count as duplicate ACKs.", "RFC 5681 2") \
  X(partial_ack_ignored, "A partial ACK in recovery repeats nothing.", "RFC 6582 3.2") \
  X(restart_window_missing, "After an idle time the congestion window is as large as before.", "RFC 5681 4.1") \
  X(restart_window_by_receipt, "A segment of the peer ends the idle time after which the congestion window is restarted.", "RFC 5681 4.1") \
  X(restart_window_clock_wraps, "The idle time is counted modulo 2^32 microseconds.", "RFC 5681 4.1; known defect of short clocks") \
  X(limited_transmit_missing, "The first two duplicate ACKs release no new segment.", "RFC 3042 2") \
  /* Zero window, silly window, Nagle */ \
  X(probe_never_sent, "A zero window is never probed.", "RFC 9293 3.8.6.1 MUST-36") \
  X(probe_without_data, "A zero window probe carries no data.", "RFC 9293 3.8.6.1") \
  X(probe_too_late, "The first zero window probe waits a minute.", "RFC 9293 3.8.6.1 SHLD-29") \
  X(probe_interval_constant, "The interval between zero window probes does not grow.", "RFC 9293 3.8.6.1 SHLD-30") \
  X(probe_gives_up, "A peer that keeps its window closed, but answers, is given up.", "RFC 9293 3.8.6.1 MUST-37") \
  X(window_shrinks, "The right edge of the advertised window moves left.", "RFC 9293 3.8.6 SHLD-14") \
  X(window_update_not_sent, "A window that opens again is not advertised.", "RFC 9293 3.8.6.2.2") \
  X(silly_window_receiver, "The window is advertised in tiny steps.", "RFC 9293 3.8.6.2.2 MUST-39; RFC 813") \
  X(silly_window_sender, "Tiny segments are sent into a small window.", "RFC 9293 3.8.6.2.1 MUST-38; RFC 813") \
  X(nagle_absent, "Small segments are sent while data is outstanding.", "RFC 9293 3.7.4 SHLD-7; RFC 896") \
  X(nodelay_ignored, "The Nagle algorithm cannot be switched off.", "RFC 9293 3.7.4 MUST-17") \
  X(psh_never, "PSH is never set.", "RFC 9293 3.9.1.2 MUST-61") \
  /* Keepalive */ \
  X(keepalive_always_on, "Keepalive probes are sent although they were not asked for.", "RFC 9293 3.8.4 MUST-25") \
  X(keepalive_idle_too_short, "Keepalive probes begin after a minute.", "RFC 9293 3.8.4 MUST-28") \
  X(keepalive_interval_too_short, "Keepalive probes follow each other every second.", "RFC 2525 2.11") \
  X(keepalive_timeout_too_short, "One unanswered keepalive probe ends the connection.", "RFC 2525 2.9; RFC 9293 3.8.4 MUST-29") \
  X(keepalive_with_data_outstanding, "Keepalive probes are sent while data is outstanding.", "RFC 9293 3.8.4 MUST-26") \
  X(keepalive_probe_at_snd_nxt, "Keepalive probes carry SND.NXT, so that no peer has to answer.", "RFC 9293 3.8.4") \
  /* Calls */ \
  X(abort_silent, "ABORT sends no RST.", "RFC 9293 3.10.5; RFC 2525 2.16") \
  X(abort_sends_fin, "ABORT closes with a FIN instead of a RST.", "RFC 9293 3.10.5; RFC 2525 2.17") \
  X(send_after_close_accepted, "SEND after CLOSE is answered with OK.", "RFC 9293 3.10.2") \
  X(receive_after_fin_blocks, "RECEIVE does not report the end of the peer's data.", "RFC 9293 3.10.3") \
  X(close_syn_received_lost, "CLOSE in SYN_RECEIVED sends no FIN.", "RFC 9293 3.10.4") \
  X(open_invalid_remote_accepted, "OPEN to a multicast or broadcast address sends a SYN.", "RFC 9293 3.9.1.1 MUST-46") \
  X(open_duplicate_accepted, "A second OPEN of the same connection is accepted.", "RFC 9293 3.10.1")

/* Faults below the protocol; model/engine/ implements them. */
#define TIPTOE_ENGINE_FAULTS(X) \
  X(engine_csum_no_second_fold, "Carries are folded once, so that a second carry is lost.", "RFC 1071 2; known defect of checksum pipelines") \
  X(engine_csum_not_verified_tcp, "The TCP checksum of arriving segments is not verified.", "RFC 9293 3.1 MUST-3") \
  X(engine_csum_not_verified_ip, "The IPv4 header checksum is not verified.", "RFC 1122 3.2.1.2") \
  X(engine_csum_zero_refused, "A correct checksum of 0x0000 is refused.", "RFC 1071; known defect of checksum checkers") \
  X(engine_csum_wrong_retransmission, "Retransmissions carry the checksum of another segment.", "RFC 9293 3.1 MUST-2") \
  X(engine_pseudo_header_missing, "The pseudo-header is left out of the TCP checksum that is sent.", "RFC 9293 3.1 MUST-2") \
  X(engine_odd_length, "The last octet of an odd-sized segment is left out of the checksum.", "RFC 9293 3.1 MUST-2; RFC 1071") \
  X(engine_padding_in_csum, "Octets beyond the IPv4 total length are taken as text.", "RFC 791 3.1") \
  X(engine_fifo_out_of_step, "After an overlapping segment payload and header of the following segments are one apart.", "known defect: payload of one connection delivered to another") \
  X(engine_header_fifo_late, "The header of the second of two datagrams back to back is taken from the first.", "known defect of receive pipelines") \
  X(engine_ip_id_constant, "Every datagram carries the same identification, with DF off.", "RFC 791 3.1; RFC 6864 4") \
  X(engine_ip_length_wrong, "The IPv4 total length leaves out the MSS option.", "RFC 791 3.1") \
  X(engine_wrong_dst_accepted, "Datagrams for other addresses are taken.", "RFC 1122 3.2.1.3") \
  X(engine_bad_src_accepted, "Datagrams from broadcast and multicast addresses are taken.", "RFC 9293 3.9.2.3 MUST-63; RFC 1122 3.2.1.3") \
  X(engine_fragment_accepted, "Fragments are taken as whole datagrams.", "RFC 791 3.2; RFC 1858 3") \
  X(engine_wrong_protocol_accepted, "Datagrams of other protocols are taken as TCP.", "RFC 791 3.1") \
  X(engine_bad_version_accepted, "Datagrams whose version is not 4 are taken.", "RFC 1122 3.2.1.1") \
  X(engine_ip_options_not_skipped, "IPv4 options are taken as the TCP header.", "RFC 1122 3.2.1.8") \
  X(engine_short_doff_accepted, "A data offset below 5 is taken.", "RFC 9293 3.1") \
  X(engine_truncated_accepted, "A datagram shorter than its total length is taken.", "RFC 1122 3.2.1") \
  X(engine_option_len0_hang, "An option of length zero stops the receive path.", "RFC 9293 3.1 MUST-7; known defect of option parsers") \
  X(engine_option_unknown_stops, "The option walk ends at the first option that it does not know.", "RFC 9293 3.1 MUST-6") \
  X(engine_option_nop_missing, "NOP is taken as an option with a length.", "RFC 9293 3.2 MUST-5") \
  X(engine_mss_without_syn, "The MSS option is put on segments without SYN.", "RFC 9293 3.7.1") \
  X(engine_cam_no_remote_port, "Connections are found without the remote port.", "RFC 9293 3.3.1") \
  X(engine_cam_no_remote_address, "Connections are found without the remote address.", "RFC 9293 3.3.1") \
  X(engine_cam_delete_missing, "A deleted connection is still found.", "RFC 9293 3.3.1") \
  X(engine_listen_precedence, "The first listener that matches wins, not the most specific.", "RFC 9293 3.9.1.1 MUST-42") \
  X(engine_listen_any_address, "A listener bound to one address takes connections to others.", "RFC 9293 3.9.1.1") \
  X(engine_timer_not_restarted, "A timer that is armed again fires at its first deadline.", "RFC 6298 5.3") \
  X(engine_timer_late, "Timers of odd connections fire two seconds late.", "known defect of timer scans that skip entries") \
  X(engine_accept_lifo, "Connections are accepted in the wrong order.", "host interface contract") \
  X(engine_payload_swapped, "The first two octets of a delivered segment are swapped.", "RFC 9293 2.2") \
  X(engine_payload_wrap, "A segment that wraps around the send buffer carries the wrong octets after the wrap.", "known defect: retransmission across the buffer wrap reads address 0") \
  X(engine_ports_swapped, "Source and destination port of a RST for no connection are not exchanged.", "RFC 9293 3.10.7.1") \
  X(engine_reserved_bits_set, "Reserved header bits are sent as ones.", "RFC 9293 3.1 MUST-1") \
  X(engine_urgent_pointer_garbage, "The urgent pointer of segments without URG is not zero, and URG is set.", "RFC 9293 3.1") \
  X(engine_rst_dropped, "RST segments never reach the network.", "RFC 9293 3.5.2") \
  X(engine_duplicate_output, "Every data segment is sent twice.", "RFC 9293 3.8; RFC 5681 3")
// clang-format on

enum class Fault : std::uint16_t {
  none,
#define X(id, text, source) id,
  TIPTOE_PROTOCOL_FAULTS(X) TIPTOE_ENGINE_FAULTS(X)
#undef X
};

struct FaultInfo {
  Fault fault;
  std::string_view id;      // as on a command line
  std::string_view text;    // what it does, one sentence
  std::string_view source;  // the rule that it breaks, or the known problem
};

#define X(id, text, source) FaultInfo{Fault::id, #id, text, source},
inline constexpr auto PROTOCOL_FAULTS = std::to_array<FaultInfo>({TIPTOE_PROTOCOL_FAULTS(X)});
inline constexpr auto ENGINE_FAULTS = std::to_array<FaultInfo>({TIPTOE_ENGINE_FAULTS(X)});
inline constexpr auto FAULTS = std::to_array<FaultInfo>({TIPTOE_PROTOCOL_FAULTS(X) TIPTOE_ENGINE_FAULTS(X)});
#undef X

// The fault of that name; `none` when there is none of that name (or for "none").
constexpr Fault fault_by_id(std::string_view id) {
  for (const FaultInfo& info : FAULTS) {
    if (info.id == id) return info.fault;
  }
  return Fault::none;
}

// The table's entry, nullptr for `none`.
constexpr const FaultInfo* fault_info(Fault fault) {
  if (fault == Fault::none) return nullptr;
  return &FAULTS[static_cast<std::size_t>(fault) - 1];
}

struct Faults {
  Fault active = Fault::none;
  constexpr bool on(Fault fault) const { return active == fault; }
};

}  // namespace tiptoe::tcp
