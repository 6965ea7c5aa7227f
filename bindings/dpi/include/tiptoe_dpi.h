/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The golden model as predictor and judge behind a C interface, made for SystemVerilog's DPI-C (tiptoe_dpi.sv has the
 * imports) and usable from C and C++.
 *
 *   void* p = tiptoe_dpi_create("dut", "CONNS=64");
 *   tiptoe_dpi_set(p, "LOCAL_IP0", 0x0a000001);
 *   tiptoe_dpi_push(p, now_us, octets, length);      // what your device received ...
 *   tiptoe_dpi_observe(p, now_us, octets, length);   // ... and what it sent
 *   tiptoe_dpi_finish(p);
 *   if (tiptoe_dpi_mismatches(p) > 0) puts(tiptoe_dpi_mismatch(p, 0));
 *   tiptoe_dpi_destroy(p);
 *
 * Rules of the boundary:
 *   - Time is the bench's: every call that can make time pass takes now_us, microseconds since the start, which may not
 *     go backwards. The model takes no time of its own: what is due by then is done when the call returns.
 *   - Nothing is thrown. Functions return 0 (done), 1 (there is nothing) or -1 (an error: tiptoe_dpi_last_error() has
 *     the sentence). User calls return 0 ... 8, the device's answer (docs/microarchitecture.md section 9), or -1.
 *   - Strings stay valid until the next call on the same predictor.
 *   - Any number of predictors; each is used by one thread at a time.
 *   - Addresses and ports are numbers in host order: 10.0.0.1 is 0x0a000001.
 *   - Beats: 512 bits, octet 0 in bits 7..0 of data[0]; keep has a bit per octet, contiguous from bit 0. Narrower buses
 *     are padded with zeros.
 */
#ifndef TIPTOE_DPI_H
#define TIPTOE_DPI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TIPTOE_DPI_EXPORT __attribute__((visibility("default")))

#define TIPTOE_DPI_NONE 0xFFFFFFFFU    /* no connection, no listener */
#define TIPTOE_DPI_MAX_DATAGRAM 65575U /* octets */
#define TIPTOE_DPI_MAX_KEPT 65536U     /* predictions that wait to be taken, per kind */

/* ---- life */

/* A predictor in the state after reset, with its own model. `name` is how bind modules find it ("" : not at all).
 * `parameters`: NAME=VALUE, separated by blanks: DATA_W (512: the fewest steps; the answers don't depend on it), CONNS
 * (64), LISTENERS (8), TX_BUF_LOG2 (14), RX_BUF_LOG2 (14), TIMER_SCAN (4). Give your design's buffer sizes. NULL: an
 * error, tiptoe_dpi_last_error(NULL) has the sentence. */
TIPTOE_DPI_EXPORT void* tiptoe_dpi_create(const char* name, const char* parameters);
TIPTOE_DPI_EXPORT int tiptoe_dpi_destroy(void* predictor);
/* NULL when there is none of that name. */
TIPTOE_DPI_EXPORT void* tiptoe_dpi_find(const char* name);
/* The sentence of the last error, of this predictor or (NULL) of calls without one in this thread; "" when there was
 * none. */
TIPTOE_DPI_EXPORT const char* tiptoe_dpi_last_error(void* predictor);
TIPTOE_DPI_EXPORT const char* tiptoe_dpi_version(void);
/* As after power-on; registers have their defaults again, the comparison starts anew with the rules that it had. Time
 * restarts. `seed` gives the ISN key. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_reset(void* predictor, uint64_t seed);
/* compare: what the model does is compared with what tiptoe_dpi_observe*() and tiptoe_dpi_record() are told (default
 * 1). keep: it also waits to be taken by tiptoe_dpi_pop*() (default 0). */
TIPTOE_DPI_EXPORT int tiptoe_dpi_mode(void* predictor, int compare, int keep);
/* A register by name (docs/microarchitecture.md section 12): "LOCAL_IP0", "MTU", "FEATURES.DELACK". */
TIPTOE_DPI_EXPORT int tiptoe_dpi_set(void* predictor, const char* name, uint64_t value);
/* A register or counter. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_get(void* predictor, const char* name, uint64_t* value);
/* A rule of the comparison by name (docs/dpi.md), before anything happens. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_rule(void* predictor, const char* name, uint64_t value);
/* Arms a seeded fault of the model by its id ("none": the golden model again), to see a bench fail. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_set_fault(void* predictor, const char* id);

/* ---- time (microseconds) */

/* The model does what is due up to now_us; what is overdue on either side becomes a mismatch. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_advance(void* predictor, uint64_t now_us);
/* When the model's next timer expires; 1: no timer runs. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_next_deadline(void* predictor, uint64_t* us);

/* ---- datagrams from the network to the device (IPv4 header first, no link header), when the device has accepted them
 */
TIPTOE_DPI_EXPORT int tiptoe_dpi_push(void* predictor, uint64_t now_us, const uint8_t* octets, uint32_t length);
TIPTOE_DPI_EXPORT int tiptoe_dpi_push_beat(void* predictor, uint64_t now_us, const uint32_t* data, const uint32_t* keep,
                                           unsigned char last);

/* ---- user calls (RFC 9293 3.9.1), when the device has been given them. Handles are the model's own. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_open_passive(void* predictor, uint64_t now_us, uint32_t local_ip, uint32_t local_port,
                                              uint32_t remote_ip, uint32_t remote_port, uint32_t backlog,
                                              uint32_t* listener);
/* listener: the LISTEN connection that is converted, or TIPTOE_DPI_NONE. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_open_active(void* predictor, uint64_t now_us, uint32_t local_ip, uint32_t local_port,
                                             uint32_t remote_ip, uint32_t remote_port, unsigned char nodelay,
                                             unsigned char keepalive, uint32_t listener, uint32_t* connection);
TIPTOE_DPI_EXPORT int tiptoe_dpi_accept(void* predictor, uint64_t now_us, uint32_t listener, uint32_t* connection);
/* Octets for the next SEND: they are collected, and forgotten with it. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_payload_octet(void* predictor, unsigned char octet);
TIPTOE_DPI_EXPORT int tiptoe_dpi_payload_beat(void* predictor, const uint32_t* data, const uint32_t* keep);
TIPTOE_DPI_EXPORT int tiptoe_dpi_send(void* predictor, uint64_t now_us, uint32_t connection, uint32_t* taken);
/* At most `most` octets; they are then read with tiptoe_dpi_octet(). */
TIPTOE_DPI_EXPORT int tiptoe_dpi_receive(void* predictor, uint64_t now_us, uint32_t connection, uint32_t most,
                                         uint32_t* length);
TIPTOE_DPI_EXPORT int tiptoe_dpi_close(void* predictor, uint64_t now_us, uint32_t connection, unsigned char half);
TIPTOE_DPI_EXPORT int tiptoe_dpi_abort(void* predictor, uint64_t now_us, uint32_t connection);
TIPTOE_DPI_EXPORT int tiptoe_dpi_status(void* predictor, uint64_t now_us, uint32_t connection, uint32_t* state,
                                        uint32_t* readable, uint32_t* room);
TIPTOE_DPI_EXPORT int tiptoe_dpi_set_options(void* predictor, uint64_t now_us, uint32_t connection,
                                             unsigned char nodelay, unsigned char keepalive);

/* ---- what the model did, oldest first (tiptoe_dpi_mode(p, ?, 1)) */

/* The next datagram becomes the one that tiptoe_dpi_octet() and tiptoe_dpi_pop_beat() read. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_pop(void* predictor, uint32_t* length, uint64_t* time_us);
/* Octet 0 ... length-1 of the datagram or payload taken last; -1: there is no such octet. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_octet(void* predictor, uint32_t index);
/* The next beat of at most `octets` octets (1 ... 64), of the present datagram or the next one; 1: nothing waits. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_pop_beat(void* predictor, uint32_t octets, uint32_t* data, uint32_t* keep,
                                          unsigned char* last);
/* connection TIPTOE_DPI_NONE: the event had none. `fields`: which of the values mean something, as in
 * tiptoe_dpi_record(). */
TIPTOE_DPI_EXPORT int tiptoe_dpi_pop_record(void* predictor, uint64_t* time_us, uint32_t* kind, uint32_t* fields,
                                            uint32_t* connection, uint32_t* local_ip, uint32_t* local_port,
                                            uint32_t* remote_ip, uint32_t* remote_port, uint32_t* state_before,
                                            uint32_t* state, uint32_t* reason, uint32_t* sent, uint32_t* flags_out,
                                            uint32_t* iss, uint32_t* irs, uint32_t* snd_una, uint32_t* snd_nxt,
                                            uint32_t* snd_wnd, uint32_t* rcv_nxt, uint32_t* rcv_wnd, uint32_t* rto);
/* Flags as in docs/microarchitecture.md section 10. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_pop_notification(void* predictor, uint32_t* handle, uint32_t* flags);

/* ---- what the device did */
TIPTOE_DPI_EXPORT int tiptoe_dpi_observe(void* predictor, uint64_t now_us, const uint8_t* octets, uint32_t length);
TIPTOE_DPI_EXPORT int tiptoe_dpi_observe_beat(void* predictor, uint64_t now_us, const uint32_t* data,
                                              const uint32_t* keep, unsigned char last);
/* Bits of `fields`: the values that the design tells. */
enum {
  TIPTOE_DPI_REASON = 1 << 0,
  TIPTOE_DPI_STATE = 1 << 1,
  TIPTOE_DPI_SENT = 1 << 2,
  TIPTOE_DPI_STATE_BEFORE = 1 << 3,
  TIPTOE_DPI_TUPLE = 1 << 4,
  TIPTOE_DPI_FLAGS_OUT = 1 << 5,
  TIPTOE_DPI_ISS = 1 << 6,
  TIPTOE_DPI_IRS = 1 << 7,
  TIPTOE_DPI_SND_UNA = 1 << 8,
  TIPTOE_DPI_SND_NXT = 1 << 9,
  TIPTOE_DPI_SND_WND = 1 << 10,
  TIPTOE_DPI_RCV_NXT = 1 << 11,
  TIPTOE_DPI_RCV_WND = 1 << 12,
  TIPTOE_DPI_RTO = 1 << 13
};
/* One retired event. kind: 0 timer, 1 segment, 2 user call, 3 SEND payload, 4 RECEIVE payload, 5 output. connection:
 * the design's own number, TIPTOE_DPI_NONE for an event without one. States 0 CLOSED, 2 SYN_SENT ... 10 TIME_WAIT (RFC
 * 9293), 15 unknown. reason: 0, or why the segment was dropped (docs/connection-processing.md). flags_out: of the
 * segment that the event sent, FIN 1 ... CWR 128. Sequence numbers and windows as they are after the event; windows in
 * octets, rto in microseconds. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_record(void* predictor, uint64_t now_us, uint32_t kind, uint32_t fields,
                                        uint32_t connection, uint32_t local_ip, uint32_t local_port, uint32_t remote_ip,
                                        uint32_t remote_port, uint32_t state_before, uint32_t state, uint32_t reason,
                                        uint32_t sent, uint32_t flags_out, uint32_t iss, uint32_t irs, uint32_t snd_una,
                                        uint32_t snd_nxt, uint32_t snd_wnd, uint32_t rcv_nxt, uint32_t rcv_wnd,
                                        uint32_t rto);

/* ---- verdict */

/* How many mismatches there are by now; -1: no such predictor. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_mismatches(void* predictor);
/* The whole story of mismatch 0, 1 ...; "" when there is none of that number. */
TIPTOE_DPI_EXPORT const char* tiptoe_dpi_mismatch(void* predictor, uint32_t number);
/* The end: what has no counterpart becomes a mismatch. */
TIPTOE_DPI_EXPORT int tiptoe_dpi_finish(void* predictor);
/* What was compared: 0 segments, 1 pure ACKs, 2 those of them that were left to choice, 3 records. */
TIPTOE_DPI_EXPORT uint64_t tiptoe_dpi_compared(void* predictor, uint32_t what);
/* "compared 120 segments, 60 pure ACKs (12 left to choice), 200 records: 0 mismatches" */
TIPTOE_DPI_EXPORT const char* tiptoe_dpi_summary(void* predictor);

#ifdef __cplusplus
}
#endif

#endif
