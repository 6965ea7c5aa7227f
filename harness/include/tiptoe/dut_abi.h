/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DUT contract as a C ABI: a device in a shared object, for `tiptoe run --dut ./libmine.so`.
 *
 *   static const tiptoe_dut_api api = {
 *       .abi_major = TIPTOE_DUT_ABI_MAJOR, .abi_minor = TIPTOE_DUT_ABI_MINOR, .size = sizeof(tiptoe_dut_api),
 *       .name = "mine", .create = create, .destroy = destroy, .last_error = last_error, .reset = reset,
 *       .inject = inject, .poll_output = poll_output, .run = run, .now_us = now_us,      // level L0
 *   };
 *   TIPTOE_DUT_EXPORT const tiptoe_dut_api *tiptoe_dut_entry(void) { return &api; }
 *
 * The shared object exports one symbol, tiptoe_dut_entry. Functions of the table that are NULL are what the device
 * lacks; those of the block "L0" must be there. What is in the table, and what the capability file next to the shared
 * object says (docs/plug-in.md), decides which cases apply.
 *
 * Rules of the boundary:
 *   - The device owns the clock: its time passes inside run() and, as far as it must, inside inject() and user calls.
 *     All times are microseconds of device time since reset().
 *   - One thread calls. Instances are independent; a device that can have only one says so in create().
 *   - Strings and tables that the device returns stay its own, and valid until the next call on that instance.
 *   - Nothing may be thrown across. A function answers with a tiptoe_rc; last_error() then has the sentence.
 *   - Versions: another abi_major is refused. A smaller `size` means an older table: the entries beyond it count as
 *     NULL. New entries are added at the end only.
 */
#ifndef TIPTOE_DUT_ABI_H
#define TIPTOE_DUT_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TIPTOE_DUT_ABI_MAJOR 1
#define TIPTOE_DUT_ABI_MINOR 0
#define TIPTOE_DUT_ENTRY "tiptoe_dut_entry"
#define TIPTOE_DUT_EXPORT __attribute__((visibility("default")))

/* No datagram of IPv4 or IPv6 is longer, nor, with its Ethernet header, a frame. Octets. */
#define TIPTOE_DUT_MAX_FRAME 65575

/* One device; the adapter knows what is in it. */
typedef struct tiptoe_dut tiptoe_dut;

/* How a function of the table ended. (For C++ any int is a value, so that a wrong one can be looked at.) */
#ifdef __cplusplus
enum tiptoe_rc : int {
#else
typedef enum tiptoe_rc {
#endif
  TIPTOE_OK = 0,
  TIPTOE_NONE = 1,        /* there is nothing (no output, no notification, no record) */
  TIPTOE_UNSUPPORTED = 2, /* the device can't do that: the case is inapplicable, last_error() says why */
  TIPTOE_HANG = 3,        /* the device stopped answering: the case fails */
  TIPTOE_ERROR = 4        /* the adapter failed: the case's verdict is `error` */
#ifdef __cplusplus
};
#else
} tiptoe_rc;
#endif

/* How a user call (RFC 9293 3.9.1) was answered; the numbers of CallStatus in tiptoe/dut.hpp. */
typedef enum tiptoe_call_status {
  TIPTOE_CALL_OK = 0,
  TIPTOE_CALL_NO_CONNECTION = 1,      /* "connection does not exist" */
  TIPTOE_CALL_EXISTS = 2,             /* "connection already exists" */
  TIPTOE_CALL_NO_RESOURCES = 3,       /* "insufficient resources" */
  TIPTOE_CALL_CLOSING = 4,            /* "connection closing" */
  TIPTOE_CALL_REMOTE_UNSPECIFIED = 5, /* "remote socket unspecified" */
  TIPTOE_CALL_INVALID = 6,
  TIPTOE_CALL_WOULD_BLOCK = 7,
  TIPTOE_CALL_ABORTED = 8
} tiptoe_call_status;

/* States of RFC 9293 3.3.2; the numbers of State in tiptoe/dut.hpp. */
typedef enum tiptoe_state {
  TIPTOE_CLOSED = 0,
  TIPTOE_LISTEN = 1,
  TIPTOE_SYN_SENT = 2,
  TIPTOE_SYN_RECEIVED = 3,
  TIPTOE_ESTABLISHED = 4,
  TIPTOE_FIN_WAIT_1 = 5,
  TIPTOE_FIN_WAIT_2 = 6,
  TIPTOE_CLOSE_WAIT = 7,
  TIPTOE_CLOSING = 8,
  TIPTOE_LAST_ACK = 9,
  TIPTOE_TIME_WAIT = 10,
  TIPTOE_STATE_UNKNOWN = 15 /* the device does not tell */
} tiptoe_state;

/* Indications to the user, bits of tiptoe_notification.flags (RFC 9293 3.9.1.8). */
enum {
  TIPTOE_NOTE_CONNECTED = 1,
  TIPTOE_NOTE_READABLE = 2,
  TIPTOE_NOTE_PEER_FIN = 4,
  TIPTOE_NOTE_SPACE = 8,
  TIPTOE_NOTE_CLOSED = 16,
  TIPTOE_NOTE_RESET = 32,
  TIPTOE_NOTE_REFUSED = 64,
  TIPTOE_NOTE_TIMEOUT = 128,
  TIPTOE_NOTE_SOFT = 256,
  TIPTOE_NOTE_ACCEPT = 512,
  TIPTOE_NOTE_URGENT = 1024
};

/* Register name (docs/microarchitecture.md section 12) -> value. */
typedef struct tiptoe_setting {
  const char* name;
  uint64_t value;
} tiptoe_setting;

/* What the device sent. */
typedef struct tiptoe_output {
  uint64_t time_us; /* device time when the last octet left */
  uint64_t cycle;   /* device clock cycle; 0 without a clock */
  uint32_t length;  /* octets */
} tiptoe_output;

/* OPEN. Addresses and ports in host order; 0 = unspecified. */
typedef struct tiptoe_open_args {
  uint32_t size; /* sizeof(tiptoe_open_args) of the caller */
  uint32_t local_ip;
  uint32_t remote_ip;
  uint16_t local_port;
  uint16_t remote_port;
  uint32_t backlog;           /* passive */
  uint32_t from_listener;     /* active: handle of the LISTEN connection to convert */
  uint8_t has_from_listener;  /* 0 or 1 */
  uint8_t nodelay, keepalive; /* 0 or 1 */
  uint8_t reserved;
} tiptoe_open_args;

typedef struct tiptoe_call_result {
  uint32_t status;   /* tiptoe_call_status */
  uint32_t handle;   /* created or accepted connection */
  uint32_t length;   /* SEND: octets taken; RECEIVE: octets written */
  uint32_t state;    /* STATUS: tiptoe_state */
  uint32_t readable; /* STATUS: octets ready for RECEIVE */
  uint32_t room;     /* STATUS: octets that SEND would take */
} tiptoe_call_result;

typedef struct tiptoe_notification {
  uint32_t handle;
  uint32_t flags;
  uint64_t time_us;
} tiptoe_notification;

/* Bits of tiptoe_record.fields: what the device tells. */
enum {
  TIPTOE_HAS_REASON = 1 << 0,
  TIPTOE_HAS_STATE = 1 << 1,
  TIPTOE_HAS_SENT = 1 << 2,
  TIPTOE_HAS_STATE_BEFORE = 1 << 3,
  TIPTOE_HAS_TUPLE = 1 << 4,
  TIPTOE_HAS_FLAGS_OUT = 1 << 5,
  TIPTOE_HAS_ISS = 1 << 6,
  TIPTOE_HAS_IRS = 1 << 7,
  TIPTOE_HAS_SND_UNA = 1 << 8,
  TIPTOE_HAS_SND_NXT = 1 << 9,
  TIPTOE_HAS_SND_WND = 1 << 10,
  TIPTOE_HAS_RCV_NXT = 1 << 11,
  TIPTOE_HAS_RCV_WND = 1 << 12,
  TIPTOE_HAS_RTO = 1 << 13
};

/* One retired event (L2). Members without a bit must be there; the others count when their bit in `fields` is set. */
typedef struct tiptoe_record {
  uint64_t cycle;
  uint64_t time_us;
  uint32_t order;      /* gapless, from 0 after reset */
  uint32_t connection; /* 0xFFFFFFFF: none */
  uint32_t fields;     /* TIPTOE_HAS_... */
  uint8_t kind;        /* 0 TMR 1 SEG 2 CMD 3 TXD 4 RXD 5 OUT */
  uint8_t reason;
  uint8_t state; /* tiptoe_state afterwards */
  uint8_t state_before;
  uint8_t sent;                 /* 1: something was sent */
  uint8_t flags_out;            /* of the segment that was sent (FIN 1 ... CWR 128), 0: none */
  uint16_t local_port;          /* host order, as the addresses */
  uint16_t remote_port;         /* ... */
  uint16_t reserved;            /* 0 */
  uint32_t local_ip, remote_ip; /* ... */
  uint32_t iss, irs, snd_una, snd_nxt, snd_wnd, rcv_nxt, rcv_wnd; /* afterwards */
  uint32_t rto;                                                   /* microseconds */
} tiptoe_record;

typedef struct tiptoe_dut_api {
  uint16_t abi_major, abi_minor; /* TIPTOE_DUT_ABI_MAJOR, _MINOR of the header that the device was compiled with */
  uint32_t size;                 /* sizeof(tiptoe_dut_api) there */
  const char* name;              /* short: "mine" */

  /* ---- life. arguments: the text behind --dut-args, "" without. NULL on failure, with a sentence in error. */
  tiptoe_dut* (*create)(const char* arguments, char* error, size_t error_size);
  void (*destroy)(tiptoe_dut*);
  const char* (*last_error)(tiptoe_dut*); /* why the last call did not end with TIPTOE_OK or _NONE */

  /* ---- L0: datagrams (or frames: key `link` of the capability file) and time */
  tiptoe_rc (*reset)(tiptoe_dut*, const tiptoe_setting*, size_t count, uint64_t seed); /* time is 0 again */
  tiptoe_rc (*inject)(tiptoe_dut*, const uint8_t* octets, size_t length);              /* taken when it returns */
  /* Oldest output not yet taken; no time passes. capacity is at least TIPTOE_DUT_MAX_FRAME. */
  tiptoe_rc (*poll_output)(tiptoe_dut*, uint8_t* octets, size_t capacity, tiptoe_output*);
  /* Runs until device time `until_us`; with stop_at_output ends earlier, as soon as there is an output. A time that is
   * over runs what is due now. */
  tiptoe_rc (*run)(tiptoe_dut*, uint64_t until_us, int stop_at_output);
  uint64_t (*now_us)(tiptoe_dut*);

  /* ---- from here on everything may be NULL */
  const char* (*description)(tiptoe_dut*); /* one line, with parameters */
  uint64_t (*cycles)(tiptoe_dut*);         /* clock cycles since reset */
  tiptoe_rc (*settle)(tiptoe_dut*);        /* finish all that is due now, without waiting for a timer */

  /* ---- L1: user calls */
  tiptoe_rc (*open_passive)(tiptoe_dut*, const tiptoe_open_args*, tiptoe_call_result*);
  tiptoe_rc (*open_active)(tiptoe_dut*, const tiptoe_open_args*, tiptoe_call_result*);
  tiptoe_rc (*accept)(tiptoe_dut*, uint32_t listener, tiptoe_call_result*);
  tiptoe_rc (*send)(tiptoe_dut*, uint32_t handle, const uint8_t* octets, size_t length, tiptoe_call_result*);
  tiptoe_rc (*receive)(tiptoe_dut*, uint32_t handle, uint8_t* octets, size_t capacity, tiptoe_call_result*);
  tiptoe_rc (*close)(tiptoe_dut*, uint32_t handle, int half, tiptoe_call_result*); /* half: shut down sending only */
  tiptoe_rc (*abort)(tiptoe_dut*, uint32_t handle, tiptoe_call_result*);
  tiptoe_rc (*status)(tiptoe_dut*, uint32_t handle, tiptoe_call_result*);
  tiptoe_rc (*set_options)(tiptoe_dut*, uint32_t handle, int nodelay, int keepalive, tiptoe_call_result*);
  tiptoe_rc (*poll_notification)(tiptoe_dut*, tiptoe_notification*);

  /* ---- settings and counters, by name */
  tiptoe_rc (*set)(tiptoe_dut*, const char* name, uint64_t value);
  tiptoe_rc (*counter)(tiptoe_dut*, const char* name, uint64_t* value);

  /* ---- L2: retire records, oldest first */
  tiptoe_rc (*set_recording)(tiptoe_dut*, int on);
  tiptoe_rc (*poll_record)(tiptoe_dut*, tiptoe_record*);
} tiptoe_dut_api;

/* The one symbol of the shared object. */
TIPTOE_DUT_EXPORT const tiptoe_dut_api* tiptoe_dut_entry(void);
typedef const tiptoe_dut_api* (*tiptoe_dut_entry_fn)(void);

#ifdef __cplusplus
}
#endif
#endif
